// Attention on the tensor cores: queries, keys, values and the softmax's shares rounded to 16 bits,
// scores, softmax and sums in f32. The softmax is taken along while the keys pass by, as in
// attention.cu.
//
// A block takes 64 queries of one head, a warp 16 of them, and 64 keys at a time. A warp keeps its
// queries, scores and sums in registers: the scores of 16 keys, as the product leaves them in the
// lanes, are already the left factor of the product with the values.
#include "cuda/tensor_core.cuh"

namespace espalier::cuda {
namespace {

constexpr int kWarps = 4, kThreads = kWarps * kWarp;
constexpr int kQueries = 16 * kWarps, kKeys = 64;
constexpr float kLog2E = 1.44269504f;

// `kQueries` or `kKeys` rows of a head from `first` on to shared memory; zeros from `rows` and from
// `width` on.
template <typename T, int kWidth, int kCount, typename From>
__device__ __forceinline__ void LoadTile(const Window<From>& from, int column, int width, int first,
                                         int rows, bool vectors, T* to) {
  constexpr int kFours = kWidth / 4;
#pragma unroll 8
  for (int i = threadIdx.x; i < kCount * kFours; i += kThreads) {
    const int line = i / kFours, c = i % kFours * 4;
    float4 x = {0.0f, 0.0f, 0.0f, 0.0f};
    if (first + line < rows) x = Load4(RowOf(from, first + line) + column, c, width, vectors);
    auto* const pairs = reinterpret_cast<uint2*>(to + line * (kWidth + kTilePadding) + c);
    *pairs = {PackPair(Round<T>(x.x), Round<T>(x.y)), PackPair(Round<T>(x.z), Round<T>(x.w))};
  }
}

// Over the four lanes that share a row of a product.
__device__ __forceinline__ float QuadSum(float x) {
  x += __shfl_xor_sync(kAllLanes, x, 1);
  return x + __shfl_xor_sync(kAllLanes, x, 2);
}
__device__ __forceinline__ float QuadMax(float x) {
  x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, 1));
  return fmaxf(x, __shfl_xor_sync(kAllLanes, x, 2));
}

// Stored: of keys and values in memory. A kernel for each, because a choice within one takes
// registers.
template <typename T, typename Stored, int kWidth>
__global__ void __launch_bounds__(kThreads) AttentionTensor(AttentionParams p, bool vectors) {
  constexpr int kStride = kWidth + kTilePadding;
  constexpr int kSteps = kWidth / 16, kScores = kKeys / 8, kColumns = kWidth / 8;
  __shared__ uint4 key_tile[kKeys * kStride / 8], value_tile[kKeys * kStride / 8];
  T* const keys = reinterpret_cast<T*>(key_tile);
  T* const values = reinterpret_cast<T*>(value_tile);
  const int rows = Count(p.rows), key_rows = Count(p.keys);
  const int first = blockIdx.x * kQueries, column = blockIdx.y * p.width;
  if (first >= rows) return;
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  // Of this lane in a tile whose 8-row matrices lie below each other first, and side by side first.
  const int below = lane % 16 * kStride + lane / 16 * 8;
  const int beside = (lane % 8 + lane / 16 * 8) * kStride + lane / 8 % 2 * 8;

  LoadTile<T, kWidth, kQueries>(p.query, column, p.width, first, rows, vectors, keys);
  __syncthreads();
  uint32_t queries[kSteps][4];
#pragma unroll
  for (int k = 0; k < kSteps; ++k) {
    LoadMatrices<false>(queries[k], keys + warp * 16 * kStride + below + k * 16);
  }
  // Of the lane's two rows. Scores are in units of log 2, for exp2f.
  float largest[2] = {-INFINITY, -INFINITY}, total[2] = {};
  float sums[kColumns][4] = {};
  const float scale = p.scale * kLog2E;
  for (int begin = 0; begin < key_rows; begin += kKeys) {
    __syncthreads();  // the tiles before have been read
    LoadTile<T, kWidth, kKeys>(WindowOf<const Stored>(p.key), column, p.width, begin, key_rows,
                               vectors, keys);
    LoadTile<T, kWidth, kKeys>(WindowOf<const Stored>(p.value), column, p.width, begin, key_rows,
                               vectors, values);
    __syncthreads();
    float scores[kScores][4] = {};
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
#pragma unroll
      for (int n = 0; n < kScores; n += 2) {
        uint32_t b[4];
        LoadMatrices<false>(b, keys + n * 8 * kStride + beside + k * 16);
        MultiplyAdd(scores[n], queries[k], b[0], b[1], T());
        MultiplyAdd(scores[n + 1], queries[k], b[2], b[3], T());
      }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float top = largest[r];
#pragma unroll
      for (int n = 0; n < kScores; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const bool is_key = begin + n * 8 + lane % 4 * 2 + i < key_rows;
          float& score = scores[n][2 * r + i];
          score = is_key ? score * scale : -INFINITY;
          top = fmaxf(top, score);
        }
      }
      top = QuadMax(top);
      const float rescale = exp2f(largest[r] - top);
      largest[r] = top;
      float sum = 0.0f;
#pragma unroll
      for (int n = 0; n < kScores; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          float& share = scores[n][2 * r + i];
          share = exp2f(share - top);
          sum += share;
        }
      }
      total[r] = total[r] * rescale + QuadSum(sum);
#pragma unroll
      for (int n = 0; n < kColumns; ++n) {
        sums[n][2 * r] *= rescale;
        sums[n][2 * r + 1] *= rescale;
      }
    }
#pragma unroll
    for (int k = 0; k < kKeys / 16; ++k) {
      const float(&left)[4] = scores[2 * k];
      const float(&right)[4] = scores[2 * k + 1];
      const uint32_t shares[4] = {PackPair(left[0], left[1], T()), PackPair(left[2], left[3], T()),
                                  PackPair(right[0], right[1], T()),
                                  PackPair(right[2], right[3], T())};
#pragma unroll
      for (int n = 0; n < kColumns; n += 2) {
        uint32_t b[4];
        LoadMatrices<true>(b, values + k * 16 * kStride + below + n * 8);
        MultiplyAdd(sums[n], shares, b[0], b[1], T());
        MultiplyAdd(sums[n + 1], shares, b[2], b[3], T());
      }
    }
  }
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int row = first + warp * 16 + lane / 4 + r * 8;
    if (row >= rows) continue;
    float* const y = RowOf(p.output, row) + column;
#pragma unroll
    for (int n = 0; n < kColumns; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int c = n * 8 + lane % 4 * 2 + i;
        // Without any key the softmax is over nothing and the result is zero.
        if (c < p.width) y[c] = key_rows > 0 ? sums[n][2 * r + i] / total[r] : 0.0f;
      }
    }
  }
}

template <typename T, typename Stored>
void LaunchAs(const AttentionParams& params, cudaStream_t stream) {
  const bool vectors = params.width % 4 == 0 && HasVectors(params.query) &&
                       HasVectors(params.key) && HasVectors(params.value);
  const dim3 grid(Blocks(params.rows.most, kQueries), static_cast<unsigned>(params.heads));
  if (params.width <= 32) {
    ESP_LAUNCH((AttentionTensor<T, Stored, 32>), grid, dim3(kThreads), 0, stream, params, vectors);
  } else if (params.width <= 64) {
    ESP_LAUNCH((AttentionTensor<T, Stored, 64>), grid, dim3(kThreads), 0, stream, params, vectors);
  } else {
    ESP_LAUNCH((AttentionTensor<T, Stored, kWidestTiledHead>), grid, dim3(kThreads), 0, stream,
               params, vectors);
  }
}

}  // namespace

void LaunchAttentionTensor(const AttentionParams& params, Storage factors, cudaStream_t stream) {
  // f16 keys and values are multiplied as they are.
  if (params.key.storage == Storage::kF16) return LaunchAs<__half, __half>(params, stream);
  factors == Storage::kBF16 ? LaunchAs<__nv_bfloat16, float>(params, stream)
                            : LaunchAs<__half, float>(params, stream);
}

}  // namespace espalier::cuda
