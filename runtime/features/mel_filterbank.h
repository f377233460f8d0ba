// Mel filterbanks: the triangle matrix that Whisper and OWSM were trained with, and the sparse form
// in which it is applied.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace espalier {

constexpr double kMelFloor = 1e-10;  // least power of a band

// Triangles on the Slaney mel scale (linear below 1 kHz, logarithmic above) with Slaney's area
// normalisation, from 0 Hz to half of `sample_rate`. Returns (n_fft / 2 + 1, mel_count), row-major,
// rounded from double. Needs sample_rate, n_fft, mel_count > 0. Source: spec §3.3; M. Slaney,
// "Auditory Toolbox", 1998.
std::vector<float> SlaneyMelFilterbank(int sample_rate, int n_fft, int mel_count);

// The same matrix without its zeros: of each mel only the bins from its first to its last non-zero
// weight are kept. Immutable, safe to share between threads.
class SparseFilterbank {
 public:
  // dense: (bin_count, mel_count), row-major.
  SparseFilterbank(std::span<const float> dense, int mel_count);

  // mel m is the sum over i < bin_count of weights()[first_weight + i] · power[first_bin + i].
  struct Row {
    size_t first_bin;
    size_t first_weight;
    size_t bin_count;
  };
  const std::vector<Row>& rows() const { return rows_; }  // one per mel
  const std::vector<double>& weights() const { return weights_; }

 private:
  std::vector<Row> rows_;
  std::vector<double> weights_;
};

}  // namespace espalier
