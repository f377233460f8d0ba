// What a session has said: its partial, its finals, its events and figures.
#include "runtime/base/string_format.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"
#include "runtime/capi/session.h"
#include "runtime/capi/word.h"

using namespace espalier;        // NOLINT(google-build-using-namespace): the C interface's names
using namespace espalier::capi;  // NOLINT(google-build-using-namespace): are all prefixed

namespace {

esp_segment SegmentOf(const LiveEvent& event) {
  esp_segment segment{};
  segment.utterance_id = event.utterance_id;
  segment.t0_ms = event.t0_ms;
  segment.t1_ms = event.t1_ms;
  segment.committed = event.committed.c_str();
  segment.committed_size = event.committed.size();
  segment.tentative = event.tentative.c_str();
  segment.tentative_size = event.tentative.size();
  segment.language = event.language.c_str();
  segment.word_count = static_cast<int32_t>(event.words.size());
  segment.outcome = static_cast<esp_outcome>(event.outcome);
  segment.avg_log_prob = event.avg_log_prob;
  segment.no_speech_prob = event.no_speech_prob;
  return segment;
}
static_assert(static_cast<int>(DecodeOutcome::kComplete) == ESP_OUTCOME_COMPLETE);
static_assert(static_cast<int>(DecodeOutcome::kTruncated) == ESP_OUTCOME_TRUNCATED);
static_assert(static_cast<int>(DecodeOutcome::kRepetition) == ESP_OUTCOME_REPETITION);
static_assert(static_cast<int>(DecodeOutcome::kNoSpeech) == ESP_OUTCOME_NO_SPEECH);
static_assert(static_cast<int>(DecodeOutcome::kEmpty) == ESP_OUTCOME_EMPTY);

// The final at `index`, or null.
const LiveEvent* FinalAt(const esp_session* session, int32_t index) {
  if (session == nullptr || index < 0) return nullptr;
  const auto at = static_cast<size_t>(index);
  return at < session->finals.size() ? &session->events[session->finals[at]] : nullptr;
}

// The event at `index`, or null.
const LiveEvent* EventAt(const esp_session* session, int32_t index) {
  if (session == nullptr || index < 0) return nullptr;
  const auto at = static_cast<size_t>(index);
  return at < session->events.size() ? &session->events[at] : nullptr;
}

esp_event EventOf(const LiveEvent& from) {
  esp_event event{};
  event.type = static_cast<esp_event_type>(from.type);
  event.revision = from.revision;
  event.utterance_id = from.utterance_id;
  event.t0_ms = from.t0_ms;
  event.t1_ms = from.t1_ms;
  event.input_ms = from.input_ms;
  event.lag_ms = from.lag_ms;
  event.committed = from.committed.c_str();
  event.committed_size = from.committed.size();
  event.tentative = from.tentative.c_str();
  event.tentative_size = from.tentative.size();
  event.language = from.language.c_str();
  event.word_count = static_cast<int32_t>(from.words.size());
  event.outcome = static_cast<esp_outcome>(from.outcome);
  event.avg_log_prob = from.avg_log_prob;
  event.no_speech_prob = from.no_speech_prob;
  event.status = CodeOf(from.status.code());
  event.message = from.status.message().c_str();
  return event;
}
static_assert(static_cast<int>(LiveEventType::kSpeechStart) == ESP_EVENT_SPEECH_START);
static_assert(static_cast<int>(LiveEventType::kPartial) == ESP_EVENT_PARTIAL);
static_assert(static_cast<int>(LiveEventType::kFinal) == ESP_EVENT_FINAL);
static_assert(static_cast<int>(LiveEventType::kSpeechEnd) == ESP_EVENT_SPEECH_END);
static_assert(static_cast<int>(LiveEventType::kSilence) == ESP_EVENT_SILENCE);
static_assert(static_cast<int>(LiveEventType::kError) == ESP_EVENT_ERROR);
static_assert(static_cast<int>(LiveEventType::kEnd) == ESP_EVENT_END);

esp_session_stats StatsOf(const LiveStatus& status) {
  esp_session_stats stats{};
  stats.input_ms = status.input_ms;
  stats.update_count = status.update_count;
  stats.dropped_count = status.dropped_count;
  stats.token_count = status.timings.token_count;
  stats.gate_count = status.timings.gate_count;
  stats.closed_gate_count = status.timings.closed_gate_count;
  stats.gate_look_count = status.gate_look_count;
  stats.features_s = status.timings.features_s;
  stats.gates_s = status.timings.gates_s;
  stats.plan_s = status.timings.plan_s;
  stats.encoder_s = status.timings.encoder_s;
  stats.decoder_s = status.timings.decoder_s;
  stats.search_s = status.timings.search_s;
  return stats;
}

}  // namespace

extern "C" {

void esp_segment_init(esp_segment* segment) { Initialize(segment); }
void esp_word_init(esp_word* word) { Initialize(word); }
void esp_event_init(esp_event* event) { Initialize(event); }
void esp_session_stats_init(esp_session_stats* stats) { Initialize(stats); }

esp_status esp_partial(const esp_session* session, esp_segment* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    static const LiveEvent kNone;
    return WriteStruct(SegmentOf(session->partial ? *session->partial : kNone), out);
  });
}

esp_status esp_partial_word(const esp_session* session, int32_t word, esp_word* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    if (!session->partial) return InvalidArgument("nothing is being said");
    return WriteWord(session->partial->words, word, out);
  });
}

esp_status esp_final(const esp_session* session, int32_t index, esp_segment* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    const LiveEvent* event = FinalAt(session, index);
    if (event == nullptr) return InvalidArgument("no such final in the last call");
    return WriteStruct(SegmentOf(*event), out);
  });
}

esp_status esp_final_word(const esp_session* session, int32_t index, int32_t word, esp_word* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    const LiveEvent* event = FinalAt(session, index);
    if (event == nullptr) return InvalidArgument("no such final in the last call");
    return WriteWord(event->words, word, out);
  });
}

int32_t esp_event_count(const esp_session* session) {
  return session != nullptr ? static_cast<int32_t>(session->events.size()) : 0;
}

esp_status esp_event_at(const esp_session* session, int32_t index, esp_event* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    const LiveEvent* event = EventAt(session, index);
    if (event == nullptr) return InvalidArgument("no such event in the last call");
    return WriteStruct(EventOf(*event), out);
  });
}

esp_status esp_event_word(const esp_session* session, int32_t index, int32_t word, esp_word* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    const LiveEvent* event = EventAt(session, index);
    if (event == nullptr) return InvalidArgument("no such event in the last call");
    return WriteWord(event->words, word, out);
  });
}

esp_status esp_session_get_stats(const esp_session* session, esp_session_stats* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    if (session == nullptr) return InvalidArgument("the session is null");
    return WriteStruct(StatsOf(session->live->status()), out);
  });
}

}  // extern "C"
