#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) GatherColumns(GatherColumnsParams p) {
  const int row = blockIdx.x, column = blockIdx.y * kThreads + threadIdx.x;
  if (row >= Count(p.rows) || column >= p.columns) return;
  const int32_t from = p.indices[column];
  RowOf(p.output, row)[column] = from < 0 ? -INFINITY : RowOf(p.input, row)[from];
}

}  // namespace

void LaunchGatherColumns(const GatherColumnsParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, 1), Blocks(params.columns, kThreads));
  ESP_LAUNCH(GatherColumns, grid, dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
