// Mono sample-rate conversion as a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "runtime/base/status.h"

namespace espalier {

// round(count * to_rate / from_rate), halves up, for count from 0 to 2^47.
int64_t ResampledCount(int64_t count, int from_rate, int to_rate);

// Band-limited conversion (soxr's "high quality", 20 bits, linear phase): what lies above the lower
// of the two Nyquist frequencies is removed, not folded back. No delay: output sample k stands for
// the time k / to_rate. One thread.
class MonoResampler {
 public:
  // Rates in Hz. Errors: kInternal when soxr refuses them, which rates between kMinSampleRate and
  // kMaxSampleRate do not cause.
  static Result<std::unique_ptr<MonoResampler>> Create(int from_rate, int to_rate);
  ~MonoResampler();
  MonoResampler(const MonoResampler&) = delete;
  MonoResampler& operator=(const MonoResampler&) = delete;

  struct Progress {
    size_t taken = 0;     // samples used from the start of `in`
    size_t produced = 0;  // samples written to the start of `out`
  };
  // Takes and produces as much as fits; hand the rest of `in` in again.
  Result<Progress> Process(std::span<const float> in, std::span<float> out);

  // After the last Process: the remaining samples, call by call, 0 when there are no more. All
  // output together is ResampledCount(all input).
  Result<size_t> Flush(std::span<float> out);

 private:
  struct State;
  explicit MonoResampler(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace espalier
