// Sums of probabilities in the log domain, written so that a loop over them becomes SIMD code.
//
// Goals: branch-free float32 arithmetic for the inner loops of the searches. Non-goals: accuracy
// beyond float32; the functions stay within 2e-7 of the exact value (log_math_test.cc).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

namespace espalier {

// e^x for x <= 0; below -80 the result is that of -80 (2e-35), never a denormal.
inline float ExpNonPositive(float x) {
  x = std::max(x, -80.0f);
  // x = n·ln 2 + r with |r| <= ln 2 / 2. Adding 1.5·2^23 rounds to an integer in every lane.
  constexpr float kRound = 12582912.0f;
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const int32_t exponent = std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kRound);
  return p * std::bit_cast<float>((exponent + 127) << 23);
}

// Largest value; -inf for an empty span. NaN is ignored.
float MaxOf(std::span<const float> values);

// log Σ e^v; -inf when every value is -inf (or there is none), NaN when one is. Entries of -inf are
// allowed.
float LogSumExp(std::span<const float> values);

}  // namespace espalier
