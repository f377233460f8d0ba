// Attention with the softmax taken along while the keys pass by (Milakov and Gimelshein,
// arXiv:1805.02867; the tiling of FlashAttention, arXiv:2205.14135): no score matrix in memory.
//
// A block takes 32 queries of one head and kKeys keys at a time. A thread has two queries: first
// the scores of every eighth key, then every eighth column of the result, so that eight
// neighbouring lanes share a query and exchange maxima and sums by shuffles.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kQueries = 32, kEach = 2, kLanes = 8;
constexpr int kThreads = kQueries / kEach * kLanes;

// Over the eight lanes that share a query.
__device__ __forceinline__ float LanesSum(float x) {
  for (int d = kLanes / 2; d > 0; d /= 2) x += __shfl_xor_sync(kAllLanes, x, d);
  return x;
}
__device__ __forceinline__ float LanesMax(float x) {
  for (int d = kLanes / 2; d > 0; d /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, d));
  return x;
}

// `count` rows of a head from `first` on to shared memory, rows kStride apart; zeros from `rows`
// on.
template <int kStride, typename T>
__device__ __forceinline__ void LoadRows(const Window<T>& from, int column, int width, int first,
                                         int count, int rows, float* to) {
  for (int i = threadIdx.x / kWarp; i < count; i += kThreads / kWarp) {
    const T* const row = RowOf(from, first + i) + column;
    for (int c = threadIdx.x % kWarp; c < width; c += kWarp) {
      to[i * kStride + c] = first + i < rows ? ToFloat(row[c]) : 0.0f;
    }
  }
}

// Stored: of keys and values in memory. A kernel for each, because a choice within one takes
// registers.
template <int kWidth, int kKeys, typename Stored>
__global__ void __launch_bounds__(kThreads) Attention(AttentionParams p) {
  constexpr int kStride = kWidth + 1;  // odd: keys of neighbouring lanes lie in different banks
  constexpr int kScores = kKeys / kLanes, kColumns = kWidth / kLanes;
  __shared__ float queries[kQueries * kStride], keys[kKeys * kStride], values[kKeys * kWidth];
  __shared__ float shares[kQueries * (kKeys + 1)];
  const int rows = Count(p.rows), key_rows = Count(p.keys);
  const int first = blockIdx.x * kQueries, column = blockIdx.y * p.width;
  if (first >= rows) return;
  const int tx = threadIdx.x % kLanes, q0 = threadIdx.x / kLanes * kEach;
  LoadRows<kStride>(p.query, column, p.width, first, kQueries, rows, queries);
  float largest[kEach], total[kEach], sums[kEach][kColumns];
#pragma unroll
  for (int a = 0; a < kEach; ++a) {
    largest[a] = -INFINITY;
    total[a] = 0.0f;
#pragma unroll
    for (int j = 0; j < kColumns; ++j) sums[a][j] = 0.0f;
  }
  for (int begin = 0; begin < key_rows; begin += kKeys) {
    __syncthreads();  // the tile before has been read
    LoadRows<kStride>(WindowOf<const Stored>(p.key), column, p.width, begin, kKeys, key_rows, keys);
    LoadRows<kWidth>(WindowOf<const Stored>(p.value), column, p.width, begin, kKeys, key_rows,
                     values);
    __syncthreads();
    float scores[kEach][kScores] = {};
    for (int c = 0; c < p.width; ++c) {
      float q[kEach];
#pragma unroll
      for (int a = 0; a < kEach; ++a) q[a] = queries[(q0 + a) * kStride + c];
#pragma unroll
      for (int i = 0; i < kScores; ++i) {
        const float k = keys[(tx + i * kLanes) * kStride + c];
#pragma unroll
        for (int a = 0; a < kEach; ++a) scores[a][i] += q[a] * k;
      }
    }
#pragma unroll
    for (int a = 0; a < kEach; ++a) {
      float top = -INFINITY;
#pragma unroll
      for (int i = 0; i < kScores; ++i) {
        const bool is_key = begin + tx + i * kLanes < key_rows;
        scores[a][i] = is_key ? scores[a][i] * p.scale : -INFINITY;
        top = fmaxf(top, scores[a][i]);
      }
      top = fmaxf(largest[a], LanesMax(top));
      const float rescale = expf(largest[a] - top);
      largest[a] = top;
      float sum = 0.0f;
#pragma unroll
      for (int i = 0; i < kScores; ++i) {
        const float share = expf(scores[a][i] - top);
        shares[(q0 + a) * (kKeys + 1) + tx + i * kLanes] = share;
        sum += share;
      }
      total[a] = total[a] * rescale + LanesSum(sum);
#pragma unroll
      for (int j = 0; j < kColumns; ++j) sums[a][j] *= rescale;
    }
    __syncwarp();  // a query's shares are written and read by the same lanes
    for (int t = 0; t < kKeys; ++t) {
      float share[kEach];
#pragma unroll
      for (int a = 0; a < kEach; ++a) share[a] = shares[(q0 + a) * (kKeys + 1) + t];
#pragma unroll
      for (int j = 0; j < kColumns; ++j) {
        const float v = values[t * kWidth + tx + j * kLanes];
#pragma unroll
        for (int a = 0; a < kEach; ++a) sums[a][j] += share[a] * v;
      }
    }
  }
#pragma unroll
  for (int a = 0; a < kEach; ++a) {
    const int row = first + q0 + a;
    if (row >= rows) continue;
    float* const y = RowOf(p.output, row) + column;
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      const int c = tx + j * kLanes;
      // Without any key the softmax is over nothing and the result is zero.
      if (c < p.width) y[c] = key_rows > 0 ? sums[a][j] / total[a] : 0.0f;
    }
  }
}

template <typename Stored>
void LaunchAs(const AttentionParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, kQueries), static_cast<unsigned>(params.heads));
  if (params.width <= 32) {
    ESP_LAUNCH((Attention<32, 32, Stored>), grid, dim3(kThreads), 0, stream, params);
  } else if (params.width <= 64) {
    ESP_LAUNCH((Attention<64, 32, Stored>), grid, dim3(kThreads), 0, stream, params);
  } else {
    ESP_LAUNCH((Attention<kWidestTiledHead, 16, Stored>), grid, dim3(kThreads), 0, stream, params);
  }
}

}  // namespace

void LaunchAttention(const AttentionParams& params, cudaStream_t stream) {
  params.key.storage == Storage::kF16 ? LaunchAs<__half>(params, stream)
                                      : LaunchAs<float>(params, stream);
}

}  // namespace espalier::cuda
