// out = epilogue(left · Wᵀ) on the tensor cores, for what cuBLASLt does not take: i8 weights, whose
// values f16 holds exactly (their scales are the epilogue's). The left factor is rounded on its way
// to shared memory, so nothing is packed before.
//
// 64 × 128 results a block, 32 × 32 a warp. 32 of the depth at a time lie in shared memory, twice:
// while one tile is multiplied, the next one is on its way in registers.
#include "cuda/tensor_core.cuh"

namespace espalier::cuda {
namespace {

constexpr int kRows = 64, kColumns = 128, kDepth = 32;
constexpr int kWarpsDown = 2, kWarpsAcross = 4;
constexpr int kThreads = kWarpsDown * kWarpsAcross * kWarp;
constexpr int kStride = kDepth + kTilePadding;
constexpr int kLeftLoads = kRows * kDepth / 4 / kThreads;  // of four elements, by a thread

// T: the weights; they and the left factor are multiplied as Factor.
template <typename T, typename Factor>
__global__ void __launch_bounds__(kThreads, 2) GemmTensor(GemmParams p, bool vectors) {
  using Weights = Pack<T>;
  constexpr int kPacks = kDepth / Weights::kCount;  // of a row of the tile
  constexpr int kRightLoads = kColumns * kPacks / kThreads;
  __shared__ uint4 left_tiles[2][kRows * kStride / 8], right_tiles[2][kColumns * kStride / 8];
  const int rows = Count(p.left.rows), depth = p.left.segment_length;
  const int columns = p.epilogue.columns;
  const int first_row = blockIdx.x * kRows, first_column = blockIdx.y * kColumns;
  if (first_row >= rows) return;

  float4 left[kLeftLoads];
  Weights right[kRightLoads];
  const auto load = [&](int begin) {
#pragma unroll
    for (int i = 0; i < kLeftLoads; ++i) {
      const int at = threadIdx.x + i * kThreads;
      const int m = first_row + at / (kDepth / 4), k = begin + at % (kDepth / 4) * 4;
      left[i] = {0.0f, 0.0f, 0.0f, 0.0f};
      if (m < rows) left[i] = Load4(RowOf(p.left.input, m), k, depth, vectors);
    }
#pragma unroll
    for (int i = 0; i < kRightLoads; ++i) {
      const int at = threadIdx.x + i * kThreads;
      const int n = first_column + at / kPacks, k = begin + at % kPacks * Weights::kCount;
      right[i] = {};
      if (n < columns && k < p.right.stride) {
        const auto* const w = static_cast<const T*>(p.right.data) + int64_t{n} * p.right.stride;
        right[i] = *reinterpret_cast<const Weights*>(w + k);
      }
    }
  };
  const auto store = [&](int tile) {
#pragma unroll
    for (int i = 0; i < kLeftLoads; ++i) {
      const int at = threadIdx.x + i * kThreads;
      auto* const to = reinterpret_cast<Factor*>(left_tiles[tile]) + at / (kDepth / 4) * kStride +
                       at % (kDepth / 4) * 4;
      *reinterpret_cast<uint2*>(to) = {
          PackPair(Round<Factor>(left[i].x), Round<Factor>(left[i].y)),
          PackPair(Round<Factor>(left[i].z), Round<Factor>(left[i].w))};
    }
#pragma unroll
    for (int i = 0; i < kRightLoads; ++i) {
      const int at = threadIdx.x + i * kThreads;
      auto* const to = reinterpret_cast<Factor*>(right_tiles[tile]) + at / kPacks * kStride +
                       at % kPacks * Weights::kCount;
#pragma unroll
      for (int j = 0; j < Weights::kCount; j += 2) {
        *reinterpret_cast<uint32_t*>(to + j) =
            PackPair(ToFloat(right[i].at[j]), ToFloat(right[i].at[j + 1]), Factor());
      }
    }
  };

  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int down = warp / kWarpsAcross * 32, across = warp % kWarpsAcross * 32;
  const int below = (down + lane % 16) * kStride + lane / 16 * 8;
  const int beside = (across + lane % 8 + lane / 16 * 8) * kStride + lane / 8 % 2 * 8;
  float sums[2][4][4] = {};
  load(0);
  store(0);
  __syncthreads();
  for (int begin = 0, tile = 0; begin < depth; begin += kDepth, tile ^= 1) {
    const bool more = begin + kDepth < depth;
    if (more) load(begin + kDepth);
    const auto* const a_tile = reinterpret_cast<const Factor*>(left_tiles[tile]);
    const auto* const b_tile = reinterpret_cast<const Factor*>(right_tiles[tile]);
#pragma unroll
    for (int k = 0; k < kDepth; k += 16) {
      uint32_t a[2][4], b[2][4];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        LoadMatrices<false>(a[i], a_tile + below + i * 16 * kStride + k);
        LoadMatrices<false>(b[i], b_tile + beside + i * 16 * kStride + k);
      }
#pragma unroll
      for (int m = 0; m < 2; ++m) {
#pragma unroll
        for (int n = 0; n < 4; ++n) {
          MultiplyAdd(sums[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1], Factor());
        }
      }
    }
    if (more) store(tile ^ 1);
    __syncthreads();
  }
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = first_row + down + m * 16 + lane / 4 + i / 2 * 8;
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        const int column = first_column + across + n * 8 + lane % 4 * 2 + i % 2;
        if (row < rows && column < columns) {
          Store(p.epilogue, p.right.row_scales, sums[m][n][i], row, 0, column);
        }
      }
    }
  }
}

}  // namespace

void LaunchGemmTensor(const GemmParams& params, cudaStream_t stream) {
  const bool vectors = HasVectors(params.left.input);
  const dim3 grid(Blocks(params.left.rows.most, kRows), Blocks(params.epilogue.columns, kColumns));
  switch (params.right.storage) {
    case Storage::kBF16:
      ESP_LAUNCH((GemmTensor<__nv_bfloat16, __nv_bfloat16>), grid, dim3(kThreads), 0, stream,
                 params, vectors);
      break;
    case Storage::kI8:
      ESP_LAUNCH((GemmTensor<int8_t, __half>), grid, dim3(kThreads), 0, stream, params, vectors);
      break;
    default:
      ESP_LAUNCH((GemmTensor<__half, __half>), grid, dim3(kThreads), 0, stream, params, vectors);
  }
}

}  // namespace espalier::cuda
