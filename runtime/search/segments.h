// Long audio: which utterances a window's tokens hold, and where the next window begins.
//
// Goals: the cuts of ESPnet (decode_long, spec §10) and of openai-whisper (transcribe.py), in exact
// integers. Non-goals: text, which the tokenizer makes of the spans, and reading audio.
// Both functions always move on, so that no decoding can hold a file up for ever.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/function_ref.h"
#include "runtime/base/status.h"
#include "runtime/search/time_filter.h"

namespace espalier {

// Half-open, into the tokens that were split.
struct TokenSpan {
  int begin = 0;
  int end = 0;
};

struct SegmentSpan {
  int64_t start_ms = 0;  // from the start of the audio
  int64_t end_ms = 0;    // not before start_ms; may lie behind the audio, as the model said
  TokenSpan tokens;
};

// What a hypothesis says (spec §10): without its last token (eos), without everything up to the
// first sos, without blanks. OWSM's language and task stay in front.
// `positions` (may be null): where in the hypothesis each of them is.
std::vector<int> OwsmResultTokens(std::span<const int> hypothesis, int sos, int blank,
                                  std::vector<size_t>* positions = nullptr);

struct OwsmWindow {
  int64_t start_samples = 0;   // of the window, from the start of the audio
  int64_t length_samples = 0;  // of the audio in it, without padding
  int sample_rate = 16000;     // Hz
  double resolution_s = 0.02;  // step of the time tokens
  int end_time_threshold = 0;  // a time token: an utterance that ends later is taken for cut off
};

struct OwsmSplit {
  std::vector<SegmentSpan> utterances;  // token spans exclude the times; start and end are rounded
                                        // to 10 ms as ESPnet does
  int64_t advance_samples = 0;          // to the next window, at least 1
};

// tokens: a result without language and task. Without any time (ESPnet fails there) there is no
// utterance and the window is passed over. Errors: kInvalidArgument (lengths, rate or resolution
// not positive).
Result<OwsmSplit> SplitOwsmWindow(std::span<const int> tokens, const OwsmTimeRules& rules,
                                  const OwsmWindow& window);

// Whisper's frames are 10 ms, its time tokens 20 ms apart.
struct WhisperWindow {
  int64_t start_frames = 0;  // openai's `seek`
  int length_frames = 0;     // of the audio in the window, without padding
  int first_time = 0;        // id of <|0.00|>
};

struct WhisperSplit {
  std::vector<SegmentSpan> segments;  // token spans include the times; segments of no duration or
                                      // without words are left out
  int advance_frames = 0;             // to the next window, at least 1
};

// tokens: what was sampled, without the end token. has_words: whether the tokens (times among them)
// make any text but white space. Errors: kInvalidArgument (an empty window).
Result<WhisperSplit> SplitWhisperWindow(std::span<const int> tokens, const WhisperWindow& window,
                                        FunctionRef<bool(std::span<const int>)> has_words);

}  // namespace espalier
