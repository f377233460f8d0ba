// Mel filterbanks: the triangle matrix that Whisper and OWSM were trained with, and the sparse form
// in which it is applied.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace espalier {

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

  // mel[m] = sum over bins of power[bin] * dense[bin][m], summed in double.
  //   power: (bin_count)   mel: (mel_count)
  void Apply(std::span<const double> power, std::span<double> mel) const;

 private:
  struct Row {
    size_t first_bin;
    size_t first_weight;  // index into weights_
    size_t bin_count;
  };
  std::vector<Row> rows_;  // one per mel
  std::vector<double> weights_;
};

}  // namespace espalier
