#include "apps/cli/live/live_client.h"

#include <utility>

#include "apps/cli/client/c_status.h"

namespace espalier::cli {
namespace {

LiveEvent EventAt(const esp_session* session, int32_t index) {
  esp_event from;
  esp_event_init(&from);
  if (esp_event_at(session, index, &from) != ESP_OK) return {};
  LiveEvent event{.type = static_cast<LiveEventType>(from.type),
                  .utterance_id = from.utterance_id,
                  .committed = {from.committed, from.committed_size},
                  .tentative = {from.tentative, from.tentative_size},
                  .t0_ms = from.t0_ms,
                  .t1_ms = from.t1_ms,
                  .revision = from.revision,
                  .language = from.language,
                  .input_ms = from.input_ms,
                  .lag_ms = from.lag_ms,
                  .avg_log_prob = from.avg_log_prob,
                  .no_speech_prob = from.no_speech_prob,
                  .outcome = from.outcome,
                  .status = {CodeFromC(from.status), from.message}};
  for (int32_t i = 0; i < from.word_count; ++i) {
    esp_word word;
    esp_word_init(&word);
    if (esp_event_word(session, index, i, &word) != ESP_OK) break;
    event.words.push_back(WordFromC(word));
  }
  return event;
}

}  // namespace

std::string_view LiveEventName(LiveEventType type) {
  switch (type) {
    case LiveEventType::kSpeechStart:
      return "speech_start";
    case LiveEventType::kPartial:
      return "partial";
    case LiveEventType::kFinal:
      return "final";
    case LiveEventType::kSpeechEnd:
      return "speech_end";
    case LiveEventType::kSilence:
      return "silence";
    case LiveEventType::kError:
      return "error";
    case LiveEventType::kEnd:
      return "end";
  }
  return "unknown";
}

Result<std::unique_ptr<LiveClient>> LiveClient::Open(const Model& model,
                                                     const esp_session_options& options) {
  esp_session* session = nullptr;
  ESP_RETURN_IF_ERROR(FromC(esp_session_open(model.get(), &options, &session)));
  return std::unique_ptr<LiveClient>(new LiveClient(session));
}

LiveClient::~LiveClient() {
  on_stop_.reset();  // no abort may come any more
  esp_session_close(session_);
}

Status LiveClient::Took(esp_status c_status) {
  const Status status = FromC(c_status);
  for (int32_t i = 0; i < esp_event_count(session_); ++i) {
    events_.push_back(EventAt(session_, i));
  }
  return status;
}

Status LiveClient::Push(std::span<const float> samples, int64_t backlog_samples) {
  ESP_RETURN_IF_ERROR(FromC(esp_set_backlog(session_, backlog_samples)));
  return Took(esp_feed(session_, samples.data(), samples.size(), nullptr));
}

Status LiveClient::Flush() { return Took(esp_flush(session_, nullptr)); }
Status LiveClient::Finish() { return Took(esp_finish(session_, nullptr)); }
Status LiveClient::WarmUp() { return Took(esp_warm_up(session_)); }

Status LiveClient::SetContext(const std::string& language, const std::string& task) {
  return FromC(esp_set_context(session_, language.c_str(), task.c_str()));
}

Status LiveClient::LookAtGates() { return FromC(esp_look_at_gates(session_)); }

esp_session_stats LiveClient::stats() const {
  esp_session_stats stats;
  esp_session_stats_init(&stats);
  (void)esp_session_get_stats(session_, &stats);
  return stats;
}

std::optional<LiveEvent> LiveClient::Next() {
  if (events_.empty()) return std::nullopt;
  LiveEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void LiveClient::set_stop(const std::stop_token& stop) {
  on_stop_.emplace(stop, [session = session_] { (void)esp_session_abort(session); });
}

}  // namespace espalier::cli
