#include "runtime/audio/mono_resampler.h"

#include <soxr.h>

#include <algorithm>
#include <utility>

namespace espalier {

int64_t ResampledCount(int64_t count, int from_rate, int to_rate) {
  const int64_t seconds = count / from_rate;
  const int64_t rest = count % from_rate;
  return seconds * to_rate + (2 * rest * to_rate + from_rate) / (2 * int64_t{from_rate});
}

struct MonoResampler::State {
  ~State() { soxr_delete(soxr); }
  soxr_t soxr = nullptr;
  int from_rate = 0;
  int to_rate = 0;
  int64_t taken = 0;
  int64_t produced = 0;
};

MonoResampler::MonoResampler(std::unique_ptr<State> state) : state_(std::move(state)) {}
MonoResampler::~MonoResampler() = default;

Result<std::unique_ptr<MonoResampler>> MonoResampler::Create(int from_rate, int to_rate) {
  auto state = std::make_unique<State>();
  state->from_rate = from_rate;
  state->to_rate = to_rate;
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  soxr_error_t error = nullptr;
  state->soxr = soxr_create(from_rate, to_rate, 1, &error, nullptr, &quality, nullptr);
  if (error != nullptr || state->soxr == nullptr) {
    return Internal(std::string("resampler: ") + soxr_strerror(error));
  }
  return std::unique_ptr<MonoResampler>(new MonoResampler(std::move(state)));
}

Result<MonoResampler::Progress> MonoResampler::Process(std::span<const float> in,
                                                       std::span<float> out) {
  Progress progress;
  if (in.empty()) return progress;  // soxr would take a null pointer for the end
  const soxr_error_t error = soxr_process(state_->soxr, in.data(), in.size(), &progress.taken,
                                          out.data(), out.size(), &progress.produced);
  if (error != nullptr) return Internal(std::string("resampler: ") + error);
  state_->taken += static_cast<int64_t>(progress.taken);
  state_->produced += static_cast<int64_t>(progress.produced);
  return progress;
}

Result<size_t> MonoResampler::Flush(std::span<float> out) {
  const int64_t total = ResampledCount(state_->taken, state_->from_rate, state_->to_rate);
  const int64_t missing = total - state_->produced;
  if (missing <= 0 || out.empty()) return size_t{0};
  out = out.first(std::min(out.size(), static_cast<size_t>(missing)));
  size_t produced = 0;
  const soxr_error_t error =
      soxr_process(state_->soxr, nullptr, 0, nullptr, out.data(), out.size(), &produced);
  if (error != nullptr) return Internal(std::string("resampler: ") + error);
  if (produced == 0) {
    // soxr rounds the length in its own way and may end a sample early.
    std::fill(out.begin(), out.end(), 0.0f);
    produced = out.size();
  }
  state_->produced += static_cast<int64_t>(produced);
  return produced;
}

}  // namespace espalier
