// A live session through the C interface, as every other program has it.
//
// Goals: owners and Status instead of handles and codes; nothing that espalier.h does not offer.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "apps/cli/live/live_event.h"
#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

// The status of a C call that has just failed, or success.
Status FromC(esp_status status);

// An open model. Shared by sessions.
class LiveModel {
 public:
  struct Device {
    std::string id, name, detail;
  };

  // Errors: those of esp_model_open.
  static Result<std::unique_ptr<LiveModel>> Open(const std::string& folder,
                                                 const std::string& device, int threads,
                                                 const std::string& gates);
  ~LiveModel() { esp_model_close(model_); }
  LiveModel(const LiveModel&) = delete;
  LiveModel& operator=(const LiveModel&) = delete;

  esp_model* get() const { return model_; }
  std::string name() const { return info_.name; }
  int sample_rate() const { return info_.sample_rate; }
  const Device& device() const { return device_; }

 private:
  explicit LiveModel(esp_model* model) : model_(model) {}

  esp_model* model_;
  esp_model_info info_ = {};
  Device device_;
};

// One stream; one thread at a time.
class LiveClient {
 public:
  // Errors: those of esp_session_open.
  static Result<std::unique_ptr<LiveClient>> Open(const LiveModel& model,
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
  Status LookAtGates() { return FromC(esp_look_at_gates(session_)); }
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
