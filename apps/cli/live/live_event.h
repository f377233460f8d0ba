// What a live session tells, as the C interface gives it (esp_event), kept for as long as it is
// needed. Times are milliseconds by sample count.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/client/transcript.h"
#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

enum class LiveEventType {
  kSpeechStart = ESP_EVENT_SPEECH_START,
  kPartial = ESP_EVENT_PARTIAL,
  kFinal = ESP_EVENT_FINAL,
  kSpeechEnd = ESP_EVENT_SPEECH_END,
  kSilence = ESP_EVENT_SILENCE,
  kError = ESP_EVENT_ERROR,
  kEnd = ESP_EVENT_END,
};

// "speech_start", "partial", "final", "speech_end", "silence", "error", "end".
std::string_view LiveEventName(LiveEventType type);

struct LiveEvent {
  LiveEventType type = LiveEventType::kSilence;
  int64_t utterance_id = 0;    // 0: of no utterance
  std::string committed = {};  // only ever grows at its end; of a final all of its text
  std::string tentative = {};
  int64_t t0_ms = 0;
  int64_t t1_ms = 0;
  int revision = 0;
  std::vector<Word> words = {};  // of the committed text
  std::string language = {};
  int64_t input_ms = 0;
  int64_t lag_ms = 0;
  double avg_log_prob = 0;
  double no_speech_prob = 0;
  esp_outcome outcome = ESP_OUTCOME_COMPLETE;
  Status status = {};  // kError
};

}  // namespace espalier::cli
