// Sample-rate conversion through the C interface.
#pragma once

#include <memory>
#include <span>

#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

// A stream of mono samples. One thread.
class Resampler {
 public:
  // Rates in Hz. Errors: those of esp_resampler_open.
  static Result<std::unique_ptr<Resampler>> Create(int from_rate, int to_rate);
  ~Resampler() { esp_resampler_close(resampler_); }
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  struct Progress {
    size_t taken = 0;     // samples used from the start of `in`
    size_t produced = 0;  // samples written to the start of `out`
  };
  // Takes and produces as much as fits; hand the rest of `in` in again. Errors: those of
  // esp_resample.
  Result<Progress> Process(std::span<const float> in, std::span<float> out);

 private:
  explicit Resampler(esp_resampler* resampler) : resampler_(resampler) {}

  esp_resampler* resampler_;
};

}  // namespace espalier::cli
