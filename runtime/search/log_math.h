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

// ESPnet's "log of zero" (spec §10): finite, so that differences of two of them stay numbers.
inline constexpr float kLogZero = -1e10f;

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

// log(e^a + e^b), both finite.
inline float LogAddExp(float a, float b) {
  const float high = std::max(a, b);
  const float e = ExpNonPositive(std::min(a, b) - high);
  // log(1+e) = 2·artanh(s), s = e/(2+e) <= 1/3: seven terms of the series reach float32.
  const float s = e / (2.0f + e);
  const float q = s * s;
  float p = 1.0f / 13.0f;
  p = p * q + 1.0f / 11.0f;
  p = p * q + 1.0f / 9.0f;
  p = p * q + 1.0f / 7.0f;
  p = p * q + 1.0f / 5.0f;
  p = p * q + 1.0f / 3.0f;
  p = p * q + 1.0f;
  return high + 2.0f * s * p;
}

// Largest value; -inf for an empty span. NaN is ignored.
float MaxOf(std::span<const float> values);

// log Σ e^v; -inf when every value is -inf (or there is none), NaN when one is. Entries of -inf are
// allowed.
float LogSumExp(std::span<const float> values);

}  // namespace espalier
