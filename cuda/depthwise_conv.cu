// Depthwise convolution over time with what follows it: the cgMLP's gate (· multiplier) or the
// merge's sum (+ input).
//
// A block takes 32 channels and 32 steps; the steps and the kernel's overhang lie in shared memory.
// A thread computes 8 neighbouring steps of a channel and moves a window of 8 inputs along, so that
// each tap costs one shared load for 8 multiply-adds.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kChannels = 32, kSteps = 32, kEach = 8;
constexpr int kThreads = kChannels * kSteps / kEach;

__global__ void __launch_bounds__(kThreads) DepthwiseConv(DepthwiseConvParams p) {
  ESP_DYNAMIC_SHARED(float, tile);  // (kSteps + kernel - 1, kChannels)
  const int rows = Count(p.rows);
  const int first = blockIdx.y * kSteps;
  if (first >= rows) return;
  const int channel = blockIdx.x * kChannels + threadIdx.x % kChannels;
  const int padding = (p.kernel - 1) / 2;
  const bool inside = channel < p.columns;
  const int lines = kSteps + p.kernel - 1;
  for (int line = threadIdx.x / kChannels; line < lines; line += kSteps / kEach) {
    const int row = first + line - padding;
    tile[line * kChannels + threadIdx.x % kChannels] =
        inside && row >= 0 && row < rows ? RowOf(p.input, row)[channel] : 0.0f;
  }
  __syncthreads();
  if (!inside) return;
  const int begin = threadIdx.x / kChannels * kEach;
  const float* const column = tile + begin * kChannels + threadIdx.x % kChannels;
  const float bias = p.bias != nullptr ? p.bias[channel] : 0.0f;
  float sums[kEach], window[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    sums[i] = bias;
    window[i] = column[i * kChannels];
  }
#pragma unroll 8
  for (int j = 0; j < p.kernel; ++j) {
    const float w = p.weight[j * p.columns + channel];
#pragma unroll
    for (int i = 0; i < kEach; ++i) sums[i] += w * window[i];
#pragma unroll
    for (int i = 0; i + 1 < kEach; ++i) window[i] = window[i + 1];
    if (j + 1 < p.kernel) window[kEach - 1] = column[(j + kEach) * kChannels];
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int row = first + begin + i;
    if (row >= rows) break;
    float y = sums[i];
    if (p.multiplier.data != nullptr) y *= RowOf(p.multiplier, row)[channel];
    if (p.add_input) y += column[(i + padding) * kChannels];
    RowOf(p.output, row)[channel] = y;
  }
}

}  // namespace

void LaunchDepthwiseConv(const DepthwiseConvParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.columns, kChannels), Blocks(params.rows.most, kSteps));
  const size_t shared_bytes =
      static_cast<size_t>(kSteps + params.kernel - 1) * kChannels * sizeof(float);
  ESP_LAUNCH(DepthwiseConv, grid, dim3(kThreads), shared_bytes, stream, params);
}

}  // namespace espalier::cuda
