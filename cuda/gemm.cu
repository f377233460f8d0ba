// out = epilogue(left · Wᵀ) for any storage, shape and convolution, in f32 without tensor cores:
// what cuBLASLt does not take (i8 weights, f32 activations with 16-bit weights, odd little shapes).
//
// 64 × 64 results a block, 4 × 4 a thread, 16 of the depth at a time in shared memory. A thread's
// columns are 16 apart, so that neighbouring threads read neighbouring banks.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kTile = 64, kDepth = 16, kEach = 4;
constexpr int kSide = kTile / kEach;  // threads along either side
constexpr int kThreads = kSide * kSide;

template <typename T>
__global__ void __launch_bounds__(kThreads) Gemm(GemmParams p) {
  __shared__ float left[kDepth][kTile + 1];
  __shared__ float right[kDepth][kTile + 1];
  const int positions = p.left.positions, columns = p.epilogue.columns;
  const int rows = Count(p.left.rows) * positions, input_rows = Count(p.left.input_rows);
  const int first_row = blockIdx.x * kTile, first_column = blockIdx.y * kTile;
  if (first_row >= rows) return;
  const int depth = p.left.segments * p.left.segment_length;
  const auto* const weights = reinterpret_cast<const T*>(p.right.data);
  const int load_k = threadIdx.x % kDepth, load_line = threadIdx.x / kDepth;
  const int tx = threadIdx.x % kSide, ty = threadIdx.x / kSide;
  float sums[kEach][kEach] = {};
  for (int begin = 0; begin < depth; begin += kDepth) {
    const int k = begin + load_k;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const int line = load_line + i * kSide;
      const int m = first_row + line, n = first_column + line;
      left[load_k][line] = k < depth && m < rows
                               ? LeftElement(p.left, input_rows, m / positions, m % positions, k)
                               : 0.0f;
      right[load_k][line] =
          k < depth && n < columns ? ToFloat(weights[int64_t{n} * p.right.stride + k]) : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int j = 0; j < kDepth; ++j) {
      float x[kEach], w[kEach];
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        x[i] = left[j][ty * kEach + i];
        w[i] = right[j][tx + i * kSide];
      }
#pragma unroll
      for (int a = 0; a < kEach; ++a) {
#pragma unroll
        for (int b = 0; b < kEach; ++b) sums[a][b] += x[a] * w[b];
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int a = 0; a < kEach; ++a) {
    const int m = first_row + ty * kEach + a;
#pragma unroll
    for (int b = 0; b < kEach; ++b) {
      const int n = first_column + tx + b * kSide;
      if (m < rows && n < columns) {
        Store(p.epilogue, p.right.row_scales, sums[a][b], m / positions, m % positions, n);
      }
    }
  }
}

}  // namespace

void LaunchGemm(const GemmParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(int64_t{params.left.rows.most} * params.left.positions, kTile),
                  Blocks(params.epilogue.columns, kTile));
  const auto launch = [&]<typename T>() {
    ESP_LAUNCH(Gemm<T>, grid, dim3(kThreads), 0, stream, params);
  };
  ESP_BY_STORAGE(params.right.storage, launch)
}

}  // namespace espalier::cuda
