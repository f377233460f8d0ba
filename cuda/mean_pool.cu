// 32 columns a block, 8 slices of the rows side by side; slices are added in their order.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kSlices = 8;

__global__ void __launch_bounds__(kWarp* kSlices) MeanPool(MeanPoolParams p) {
  __shared__ float parts[kSlices][kWarp];
  const int lane = threadIdx.x % kWarp, slice = threadIdx.x / kWarp;
  const int column = blockIdx.x * kWarp + lane, rows = Count(p.rows);
  float sum = 0.0f;
  if (column < p.columns) {
    for (int row = slice; row < rows; row += kSlices) sum += RowOf(p.input, row)[column];
  }
  parts[slice][lane] = sum;
  __syncthreads();
  if (slice > 0 || column >= p.columns) return;
  for (int i = 1; i < kSlices; ++i) sum += parts[i][lane];
  // The mean of nothing is zero rather than NaN: an empty window must not poison the gates.
  p.output[column] = rows > 0 ? sum / static_cast<float>(rows) : 0.0f;
}

}  // namespace

void LaunchMeanPool(const MeanPoolParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.columns, kWarp));
  ESP_LAUNCH(MeanPool, grid, dim3(kWarp * kSlices), 0, stream, params);
}

}  // namespace espalier::cuda
