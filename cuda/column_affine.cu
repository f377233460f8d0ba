#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) ColumnAffine(ColumnAffineParams p) {
  const int row = blockIdx.x, column = blockIdx.y * kThreads + threadIdx.x;
  if (row >= Count(p.rows) || column >= p.columns) return;
  float x = RowOf(p.input, row)[column];
  if (p.scale != nullptr) x *= p.scale[column];
  if (p.shift != nullptr) x += p.shift[column];
  RowOf(p.output, row)[column] = x;
}

}  // namespace

void LaunchColumnAffine(const ColumnAffineParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, 1), Blocks(params.columns, kThreads));
  ESP_LAUNCH(ColumnAffine, grid, dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
