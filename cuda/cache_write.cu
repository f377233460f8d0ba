// First half of CachedAttention: every row's key and value to the cache, before any row attends.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

template <typename T>
__global__ void __launch_bounds__(kThreads) CacheWrite(CacheWriteParams p) {
  const int row = blockIdx.x, column = blockIdx.y * kThreads + threadIdx.x;
  if (row >= Count(p.rows) || column >= p.columns) return;
  const int to = *RowOf(p.positions, row) * p.lane_count + *RowOf(p.lanes, row);
  RowOf<T>(p.key_cache, to)[column] = Round<T>(RowOf(p.key, row)[column]);
  RowOf<T>(p.value_cache, to)[column] = Round<T>(RowOf(p.value, row)[column]);
}

}  // namespace

void LaunchCacheWrite(const CacheWriteParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, 1), Blocks(params.columns, kThreads));
  if (params.key_cache.storage == Storage::kF16) {
    ESP_LAUNCH((CacheWrite<__half>), grid, dim3(kThreads), 0, stream, params);
  } else {
    ESP_LAUNCH((CacheWrite<float>), grid, dim3(kThreads), 0, stream, params);
  }
}

}  // namespace espalier::cuda
