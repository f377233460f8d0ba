// Where in the audio the tokens of a known text are, by what the decoder looked at: dynamic time
// warping through the weights of its source attention (openai-whisper timing.py).
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"

namespace espalier {

// The step at which each token begins, never falling; the last row's is where the text ends.
//   weights: (rows, steps) f32 row-major: what the row that predicts each token looked at, and at
//   the end the row that predicts the end of the text
// Weights are compared step by step with those of the other rows, so that what every token looks at
// says nothing, and smoothed. Errors: kInvalidArgument (no whole rows, no row or step), kInternal
// (a weight is no number).
Result<std::vector<int>> AlignByAttention(std::span<const float> weights, int rows);

}  // namespace espalier
