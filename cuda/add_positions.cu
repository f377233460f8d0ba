#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) AddPositions(AddPositionsParams p) {
  const int row = blockIdx.x, column = blockIdx.y * kThreads + threadIdx.x;
  if (row >= Count(p.rows) || column >= p.columns) return;
  RowOf(p.output, row)[column] =
      RowOf(p.input, row)[column] * p.scale + p.table[int64_t{row} * p.columns + column];
}

}  // namespace

void LaunchAddPositions(const AddPositionsParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, 1), Blocks(params.columns, kThreads));
  ESP_LAUNCH(AddPositions, grid, dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
