// Where in the audio the tokens of a known text are, by CTC (Graves et al. 2006): Viterbi's path
// through the blanks and tokens in order.
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"

namespace espalier {

// The step at which each of `tokens` is likeliest within its part of the best path, rising.
//   log_probs: (steps, vocabulary) f32 row-major
// Errors: kInvalidArgument (no step for each token, and one more between two alike; an id outside
// the vocabulary), kInternal (no path has a finite probability).
Result<std::vector<int>> AlignByCtc(std::span<const float> log_probs, int vocabulary, int blank_id,
                                    std::span<const int> tokens);

// The steps of `log_probs`, (steps, vocabulary), whose likeliest symbol is no blank, rising.
std::vector<int> StepsWithTokens(std::span<const float> log_probs, int vocabulary, int blank_id);

}  // namespace espalier
