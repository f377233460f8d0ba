// The arithmetic of log-mel frames: as many of them side by side as a vector has doubles.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/features/fourier.h"
#include "runtime/features/mel_filterbank.h"

namespace espalier {

// What all frames of a configuration share. Immutable.
struct FrameTables {
  std::vector<double> window;  // (win_length)
  int window_start;            // where it lies in the n_fft samples
  int hop;                     // samples from frame to frame
  bool natural_log;            // else log10
  SparseFilterbank filterbank;
  // Of n_fft / 2 complex points: even samples are their real parts, odd ones the imaginary parts.
  FourierPlan fourier;
  std::vector<std::complex<double>> turns;  // e^(-2πi·k / n_fft), k up to n_fft / 4
};

// Doubles of scratch, 64-byte aligned, that ComputeFrames writes to.
size_t FrameScratchSize(const FrameTables& tables);

// Frames 0 to count - 1, (count, mel_count) row-major; frame f begins at samples[f · hop]. What a
// frame becomes does not depend on its neighbours.
void ComputeFrames(const FrameTables& tables, const float* samples, int64_t count, double* scratch,
                   float* frames);

}  // namespace espalier
