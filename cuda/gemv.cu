// out = epilogue(x · Wᵀ) for up to kGemvRows rows: a decoder step of all hypotheses at once.
//
// Bound by reading the weights, so every weight is read once for all rows, 16 bytes a load. A warp
// takes two columns: each x that it loads serves both. All sums of a warp are reduced together,
// half of them handed over at each exchange: 16 shuffles for 16 sums where one by one takes 80.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kColumns = 2;  // of a warp

// Reduces kCount sums, a power of two, over a warp. Lane l gets number l / (32 / kCount).
template <int kCount>
__device__ __forceinline__ float ReduceTogether(float (&sums)[kCount]) {
  const int lane = threadIdx.x % kWarp;
  int distance = kWarp / 2;
#pragma unroll
  for (int half = kCount / 2; half >= 1; half /= 2, distance /= 2) {
    const bool upper = (lane & distance) != 0;
#pragma unroll
    for (int i = 0; i < half; ++i) {
      const float given = upper ? sums[i] : sums[i + half];
      const float kept = upper ? sums[i + half] : sums[i];
      sums[i] = kept + __shfl_xor_sync(kAllLanes, given, distance);
    }
  }
#pragma unroll
  for (int d = kWarp / kCount / 2; d > 0; d /= 2) {
    sums[0] += __shfl_xor_sync(kAllLanes, sums[0], d);
  }
  return sums[0];
}

template <typename T, int kMostRows>
__global__ void __launch_bounds__(kThreads) Gemv(GemmParams p, bool vectors) {
  using Weights = Pack<T>;
  const int rows = min(Count(p.left.rows), kMostRows);
  const int lane = threadIdx.x % kWarp;
  const int warp = blockIdx.x * (kThreads / kWarp) + threadIdx.x / kWarp;
  const int first = warp * kColumns;
  const int depth = p.left.segment_length, columns = p.epilogue.columns;
  if (first >= columns || rows == 0) return;
  // The second of an odd last pair computes the first again.
  const auto* const w0 = reinterpret_cast<const T*>(p.right.data) + int64_t{first} * p.right.stride;
  const auto* const w1 = first + 1 < columns ? w0 + p.right.stride : w0;
  float sums[kMostRows * kColumns] = {};
  for (int k = lane * Weights::kCount; k < depth; k += kWarp * Weights::kCount) {
    const Weights a = *reinterpret_cast<const Weights*>(w0 + k);
    const Weights b = *reinterpret_cast<const Weights*>(w1 + k);
#pragma unroll
    for (int i = 0; i < Weights::kCount; i += 4) {
#pragma unroll
      for (int r = 0; r < kMostRows; ++r) {
        if (r >= rows) break;
        const float4 x = Load4(RowOf(p.left.input, r), k + i, depth, vectors);
        sums[r * kColumns] += x.x * ToFloat(a.at[i]) + x.y * ToFloat(a.at[i + 1]) +
                              x.z * ToFloat(a.at[i + 2]) + x.w * ToFloat(a.at[i + 3]);
        sums[r * kColumns + 1] += x.x * ToFloat(b.at[i]) + x.y * ToFloat(b.at[i + 1]) +
                                  x.z * ToFloat(b.at[i + 2]) + x.w * ToFloat(b.at[i + 3]);
      }
    }
  }
  const float sum = ReduceTogether(sums);
  constexpr int kLanesEach = kWarp / (kMostRows * kColumns);
  const int row = lane / kLanesEach / kColumns, column = first + lane / kLanesEach % kColumns;
  if (lane % kLanesEach == 0 && row < rows && column < columns) {
    Store(p.epilogue, p.right.row_scales, sum, row, 0, column);
  }
}

}  // namespace

void LaunchGemv(const GemmParams& params, cudaStream_t stream) {
  const bool vectors = HasVectors(params.left.input);
  const dim3 grid(Blocks(params.epilogue.columns, kThreads / kWarp * kColumns));
  const auto launch = [&]<typename T>() {
    if (params.left.rows.most <= 1) {
      ESP_LAUNCH((Gemv<T, 1>), grid, dim3(kThreads), 0, stream, params, vectors);
    } else {
      ESP_LAUNCH((Gemv<T, kGemvRows>), grid, dim3(kThreads), 0, stream, params, vectors);
    }
  };
  ESP_BY_STORAGE(params.right.storage, launch)
}

}  // namespace espalier::cuda
