// Decoding that tries again at a higher temperature when the text looks wrong (openai-whisper
// transcribe.py, decode_with_fallback).
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/function_ref.h"
#include "runtime/base/status.h"
#include "runtime/search/whisper_search.h"

namespace espalier {

struct FallbackThresholds {
  double compression_ratio = 2.4;  // above: too repetitive
  double log_prob = -1.0;          // average below: too improbable
  double no_speech = 0.6;          // above, and improbable: silence, which no temperature helps
};

struct FallbackOptions {
  WhisperDecodeOptions decode = {};
  std::vector<double> temperatures = {0.0, 0.2, 0.4, 0.6, 0.8, 1.0};  // tried in order
  FallbackThresholds thresholds = {};
};

struct FallbackResult {
  WhisperResult decoding;          // the first good one, or the last
  double compression_ratio = 0.0;  // of its text without white space around it
};

// text_of: the text of sampled tokens (times among them are to be left out). A decoding whose loop
// was cut is tried again too: the cut took away what the compression ratio would have seen.
// Errors: kInvalidArgument (no temperature, or a negative one), those of WhisperSearch and
// CompressionRatio.
Result<FallbackResult> DecodeWithFallback(TokenScorer& scorer, const WhisperRules& rules,
                                          std::span<const int> prompt,
                                          const FallbackOptions& options,
                                          FunctionRef<std::string(std::span<const int>)> text_of,
                                          SampleGenerator& generator, const std::stop_token& stop);

// Whether nothing was said in a window: likely no speech, and its text not likely.
bool IsSilentWindow(double no_speech_prob, double avg_log_prob,
                    const FallbackThresholds& thresholds);

// Bytes of `text` per byte of its zlib stream (level 6, as Python's zlib.compress). Errors:
// kExhausted (no memory).
Result<double> CompressionRatio(const std::string& text);

}  // namespace espalier
