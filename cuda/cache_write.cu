// First half of CachedAttention: every row's key and value to the cache, before any row attends.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) CacheWrite(CacheWriteParams p) {
  const int row = blockIdx.x, column = blockIdx.y * kThreads + threadIdx.x;
  if (row >= Count(p.rows) || column >= p.columns) return;
  const int to = *RowOf(p.positions, row) * p.lane_count + *RowOf(p.lanes, row);
  RowOf(p.key_cache, to)[column] = RowOf(p.key, row)[column];
  RowOf(p.value_cache, to)[column] = RowOf(p.value, row)[column];
}

}  // namespace

void LaunchCacheWrite(const CacheWriteParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, 1), Blocks(params.columns, kThreads));
  ESP_LAUNCH(CacheWrite, grid, dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
