#include "runtime/features/mel_filterbank.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/check.h"

namespace espalier {
namespace {

// Slaney's scale: 3 mels per 200 Hz up to 1 kHz (15 mels), then 27 mels per factor of 6.4.
constexpr double kHzPerMel = 200.0 / 3.0;
constexpr double kBreakHz = 1000.0;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
constexpr double kLogStep = 1.8562979903656263 / 27.0;  // ln 6.4

double HzToMel(double hz) {
  if (hz < kBreakHz) return hz / kHzPerMel;
  return kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double MelToHz(double mel) {
  if (mel < kBreakMel) return mel * kHzPerMel;
  return kBreakHz * std::exp((mel - kBreakMel) * kLogStep);
}

}  // namespace

std::vector<float> SlaneyMelFilterbank(int sample_rate, int n_fft, int mel_count) {
  const auto bins = static_cast<size_t>(n_fft / 2 + 1);
  const auto mels = static_cast<size_t>(mel_count);
  // Corner m is the start of triangle m, the peak of triangle m - 1 and the end of m - 2.
  std::vector<double> corner_hz(mels + 2);
  const double top_mel = HzToMel(sample_rate / 2.0);
  for (size_t m = 0; m < corner_hz.size(); ++m) {
    corner_hz[m] = MelToHz(top_mel * static_cast<double>(m) / static_cast<double>(mels + 1));
  }
  std::vector<float> dense(bins * mels);
  for (size_t m = 0; m < mels; ++m) {
    const double start = corner_hz[m], peak = corner_hz[m + 1], end = corner_hz[m + 2];
    const double height = 2.0 / (end - start);  // area 1
    for (size_t bin = 0; bin < bins; ++bin) {
      const double hz = static_cast<double>(bin) * sample_rate / n_fft;
      const double rise = (hz - start) / (peak - start);
      const double fall = (end - hz) / (end - peak);
      dense[bin * mels + m] = static_cast<float>(height * std::max(0.0, std::min(rise, fall)));
    }
  }
  return dense;
}

SparseFilterbank::SparseFilterbank(std::span<const float> dense, int mel_count) {
  const auto mels = static_cast<size_t>(mel_count);
  const size_t bins = dense.size() / mels;
  ESP_DCHECK(dense.size() == bins * mels);
  for (size_t m = 0; m < mels; ++m) {
    size_t first = 0;
    while (first < bins && dense[first * mels + m] == 0.0f) ++first;
    size_t last = bins;
    while (last > first && dense[(last - 1) * mels + m] == 0.0f) --last;
    rows_.push_back({first, weights_.size(), last - first});
    for (size_t bin = first; bin < last; ++bin) weights_.push_back(dense[bin * mels + m]);
  }
}

}  // namespace espalier
