// A live session through the C interface, as every other program has it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "apps/cli/client/model.h"
#include "apps/cli/live/live_event.h"
#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

// One stream; one thread at a time.
class LiveClient {
 public:
  // Errors: those of esp_session_open.
  static Result<std::unique_ptr<LiveClient>> Open(const Model& model,
                                                  const esp_session_options& options);
  ~LiveClient();
  LiveClient(const LiveClient&) = delete;
  LiveClient& operator=(const LiveClient&) = delete;

  // As the functions of their names in espalier.h; Push is esp_feed behind esp_set_backlog.
  Status Push(std::span<const float> samples, int64_t backlog_samples);
  Status Flush();
  Status Finish();
  Status WarmUp();
  Status SetContext(const std::string& language, const std::string& task);
  Status LookAtGates();
  esp_session_stats stats() const;

  // The next event, oldest first; nothing when there is none.
  std::optional<LiveEvent> Next();

  // A stop gives up what computes, and what would compute next (kCancelled).
  void set_stop(const std::stop_token& stop);

 private:
  explicit LiveClient(esp_session* session) : session_(session) {}
  // Takes the events of a call that returned `status`.
  Status Took(esp_status status);

  esp_session* session_;
  std::deque<LiveEvent> events_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace espalier::cli
