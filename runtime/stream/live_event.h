// What a live session tells (conventions §2, live events). Times are milliseconds by sample count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/outcome.h"
#include "runtime/session/transcript.h"

namespace espalier {

enum class LiveEventType {
  kSpeechStart,  // t0_ms: an utterance begins there
  kPartial,      // its text so far
  kFinal,        // its whole text, which covers exactly [t0_ms, t1_ms]
  kSpeechEnd,    // t1_ms: the speech ended there; before the final, unless that was a cut
  kSilence,      // a heartbeat while nobody speaks
  kError,  // an update failed; the audio is kept, or the CPU went on where a device had failed
  kEnd,    // after Finish: nothing follows
};

struct LiveEvent {
  LiveEventType type = LiveEventType::kSilence;
  int64_t utterance_id = 0;  // from 1, never reopened; 0: of no utterance
  // Text so far. Within an utterance `committed` only ever grows at its end; a final has committed
  // text only.
  std::string committed = {};
  std::string tentative = {};
  int64_t t0_ms = 0;
  int64_t t1_ms = 0;
  int revision = 0;              // of the tentative text: how often words of it were replaced
  std::vector<Word> words = {};  // of the committed text, within [t0_ms, t1_ms]
  std::string language = {};     // "en", once it is known
  int64_t input_ms = 0;          // audio that had been taken when this was said
  int64_t lag_ms = 0;            // audio that waited behind it, as the caller said
  double avg_log_prob = 0;       // final: mean over its tokens
  double no_speech_prob = 0;     // final: 0 where the model has none
  DecodeOutcome outcome = DecodeOutcome::kComplete;
  Status status = {};  // kError
};

}  // namespace espalier
