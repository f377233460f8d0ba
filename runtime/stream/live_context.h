// Language, task and gates of a live session.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/session/context.h"
#include "runtime/stream/live_decoder.h"

namespace espalier {

// Not thread-safe.
class LiveContext {
 public:
  LiveContext(std::shared_ptr<Engine> engine, std::string language, std::string task)
      : engine_(std::move(engine)), language_(std::move(language)), task_(std::move(task)) {}

  // Another language or task, from the next Choose on. Errors: kUnsupported (the model does not
  // have it); nothing changes then.
  Status Change(const std::string& language, const std::string& task);
  // The gates are looked at again at the next Choose.
  void LookAgain() { gates_.reset(); }

  // Decides what the embedded window of `decoder` is decoded as. With language "auto" it is heard
  // where an utterance has its first window, but a window under a second changes no language. The
  // gates are looked at when the context is another one than at the last look (design: gates).
  // Errors: kUnsupported, kCancelled, kDeviceLost.
  Status Choose(bool first_window, int64_t window_ms, LiveDecoder* decoder);

  // Whether the language is heard, not given.
  bool listens() const { return language_ == "auto"; }

  // After Choose.
  const Context& context() const { return *context_; }
  const GateMask& gates() const { return *gates_; }
  std::string language() const { return context_ ? context_->language : std::string(); }
  int look_count() const { return look_count_; }

 private:
  std::shared_ptr<Engine> engine_;
  std::string language_, task_;
  std::optional<Context> context_;
  std::optional<GateMask> gates_;  // for *context_
  int look_count_ = 0;
};

}  // namespace espalier
