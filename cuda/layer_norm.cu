// One block a row; the second and third reading of the row come from the cache. The variance is
// that of the centred values, so that a large mean costs no digits.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) LayerNorm(LayerNormParams p) {
  const int row = blockIdx.x;
  if (row >= Count(p.rows)) return;
  const float* const x = RowOf(p.input, row);
  float* const y = RowOf(p.output, row);
  const float columns = static_cast<float>(p.columns);
  float sum = 0.0f;
  for (int c = threadIdx.x; c < p.columns; c += kThreads) sum += x[c];
  const float mean = BlockSum<kThreads>(sum) / columns;
  float squares = 0.0f;
  for (int c = threadIdx.x; c < p.columns; c += kThreads) {
    const float centred = x[c] - mean;
    squares += centred * centred;
  }
  const float variance = BlockSum<kThreads>(squares) / columns;
  const float inverse = 1.0f / sqrtf(variance + p.epsilon);
  for (int c = threadIdx.x; c < p.columns; c += kThreads) {
    y[c] = (x[c] - mean) * inverse * p.gamma[c] + p.beta[c];
  }
}

}  // namespace

void LaunchLayerNorm(const LayerNormParams& params, cudaStream_t stream) {
  ESP_LAUNCH(LayerNorm, dim3(Blocks(params.rows.most, 1)), dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
