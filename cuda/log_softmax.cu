// One block of 512 threads a row, the vocabulary's width. Maximum and sum are found in one reading
// (each thread rescales its sum when its maximum rises), the result is written in a second.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 512;

__global__ void __launch_bounds__(kThreads) LogSoftmax(LogSoftmaxParams p) {
  const int row = blockIdx.x;
  if (row >= Count(p.rows)) return;
  const float* const x = RowOf(p.input, row);
  float* const y = RowOf(p.output, row);
  float largest = -INFINITY, sum = 0.0f;
  for (int c = threadIdx.x; c < p.columns; c += kThreads) {
    const float value = x[c];
    if (value > largest) {
      sum = sum * expf(largest - value) + 1.0f;
      largest = value;
    } else if (value != -INFINITY) {
      sum += expf(value - largest);  // NaN stays
    }
  }
  const float top = BlockMax<kThreads>(largest);
  // A thread that saw nothing above -infinity has nothing to rescale, unless it saw NaN.
  const float part = largest == -INFINITY ? sum : sum * expf(largest - top);
  const float subtrahend = top + logf(BlockSum<kThreads>(part));
  for (int c = threadIdx.x; c < p.columns; c += kThreads) y[c] = x[c] - subtrahend;
}

}  // namespace

void LaunchLogSoftmax(const LogSoftmaxParams& params, cudaStream_t stream) {
  ESP_LAUNCH(LogSoftmax, dim3(Blocks(params.rows.most, 1)), dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
