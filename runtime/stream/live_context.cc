#include "runtime/stream/live_context.h"

#include <utility>

namespace espalier {
namespace {

constexpr int64_t kEnoughToTellMs = 1000;

bool SameContext(const Context& a, const Context& b) {
  return a.language_id == b.language_id && a.task_id == b.task_id;
}

}  // namespace

Status LiveContext::Change(const std::string& language, const std::string& task) {
  if (language != "auto") {
    ESP_RETURN_IF_ERROR(ResolveContext(*engine_, language, task).status());
  } else if (const LanguageTokens all = LanguagesOf(*engine_); !all.names.empty()) {
    // Whatever will be said: a gate file or a predictor may know some of the languages only.
    Status first = OkStatus();
    for (const std::string& name : all.names) {
      const Status status = ResolveContext(*engine_, name, task).status();
      if (status.ok()) {
        first = status;
        break;
      }
      if (first.ok()) first = status;
    }
    ESP_RETURN_IF_ERROR(first);
  }
  language_ = language;
  task_ = task;
  context_.reset();
  gates_.reset();
  return OkStatus();
}

Status LiveContext::Choose(bool first_window, int64_t window_ms, LiveDecoder* decoder) {
  std::optional<Context> chosen = context_;
  if (language_ != "auto") {
    if (!chosen) {
      ESP_ASSIGN_OR_RETURN(chosen, ResolveContext(*engine_, language_, task_));
    }
  } else if (!chosen || (first_window && window_ms >= kEnoughToTellMs)) {
    ESP_ASSIGN_OR_RETURN(const std::string heard, decoder->HearLanguage());
    ESP_ASSIGN_OR_RETURN(chosen, ResolveContext(*engine_, heard, task_));
  }
  if (!context_ || !SameContext(*context_, *chosen)) gates_.reset();
  context_ = std::move(chosen);
  decoder->ExpectContext(*context_);
  if (!gates_) {
    ESP_ASSIGN_OR_RETURN(gates_, decoder->LookAtGates(*context_));
    ++look_count_;
  }
  return OkStatus();
}

}  // namespace espalier
