#include "cuda/kernel.cuh"
#include "cuda/tensor_core.cuh"
#include "tests/cuda/order_kernels.h"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void Reverse(const float* from, float* to) {
  __shared__ float values[kThreads];
  values[threadIdx.x] = from[threadIdx.x];
  __syncthreads();
  to[threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

__global__ void ReverseWithoutBarrier(const float* from, float* to) {
  __shared__ float values[kThreads];
  values[threadIdx.x] = from[threadIdx.x];
  to[threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

__global__ void Sum(const float* from, float* to) {
  const float sum = BlockSum<kThreads>(from[threadIdx.x]);
  if (threadIdx.x == 0) *to = sum;
}

__global__ void Stuck() {
  if (threadIdx.x < kWarp) {
    __syncwarp();
    if (threadIdx.x % 2 == 0) __syncthreads();
    __syncwarp();
  } else {
    __syncthreads();
  }
}

// a: (16, 16) by row, b: (16, 8) by column, d: (16, 8) by row.
__global__ void Product(const float* a, const float* b, float* d) {
  __shared__ uint4 tile[16 * 16 * 2 / sizeof(uint4)];
  auto* const elements = reinterpret_cast<__half*>(tile);
  for (int i = threadIdx.x; i < 256; i += kWarp) elements[i] = Round<__half>(a[i]);
  __syncthreads();
  const int lane = threadIdx.x, row = lane / 4, column = lane % 4 * 2;
  uint32_t fragment[4];
  LoadMatrices<false>(fragment, elements + lane % 16 * 16 + lane / 16 * 8);
  const float* const from = b + row * 16 + column;
  float sums[4] = {1.0f, 1.0f, 1.0f, 1.0f};
  MultiplyAdd(sums, fragment, PackPair(from[0], from[1], __half()),
              PackPair(from[8], from[9], __half()), __half());
  for (int i = 0; i < 4; ++i) d[(row + i / 2 * 8) * 8 + column + i % 2] = sums[i];
}

__global__ void Transpose(const float* from, float* to) {
  __shared__ uint4 tile[4 * 8 * 8 * 2 / sizeof(uint4)];
  auto* const elements = reinterpret_cast<__half*>(tile);
  for (int i = threadIdx.x; i < 256; i += kWarp) elements[i] = Round<__half>(from[i]);
  __syncthreads();
  const int lane = threadIdx.x;
  uint32_t pairs[4];
  LoadMatrices<true>(pairs, elements + lane * 8);
  for (int i = 0; i < 4; ++i) {
    auto* const at = to + i * 64 + lane / 4 * 8 + lane % 4 * 2;
    at[0] = ToFloat(__builtin_bit_cast(__half, static_cast<uint16_t>(pairs[i])));
    at[1] = ToFloat(__builtin_bit_cast(__half, static_cast<uint16_t>(pairs[i] >> 16)));
  }
}

__global__ void LeftLanes(float* to) {
  if (threadIdx.x % kWarp >= 16) return;
  to[threadIdx.x] = WarpSum(1.0f);
}

}  // namespace

void LaunchReverse(const float* from, float* to, cudaStream_t stream) {
  ESP_LAUNCH(Reverse, dim3(1), dim3(kThreads), 0, stream, from, to);
}
void LaunchReverseWithoutBarrier(const float* from, float* to, cudaStream_t stream) {
  ESP_LAUNCH(ReverseWithoutBarrier, dim3(1), dim3(kThreads), 0, stream, from, to);
}
void LaunchSum(const float* from, float* to, cudaStream_t stream) {
  ESP_LAUNCH(Sum, dim3(1), dim3(kThreads), 0, stream, from, to);
}
void LaunchStuck(cudaStream_t stream) { ESP_LAUNCH(Stuck, dim3(2), dim3(64), 0, stream, ); }
void LaunchProduct(const float* a, const float* b, float* d, cudaStream_t stream) {
  ESP_LAUNCH(Product, dim3(1), dim3(kWarp), 0, stream, a, b, d);
}
void LaunchTranspose(const float* from, float* to, cudaStream_t stream) {
  ESP_LAUNCH(Transpose, dim3(1), dim3(kWarp), 0, stream, from, to);
}
void LaunchLeftLanes(float* to, cudaStream_t stream) {
  ESP_LAUNCH(LeftLanes, dim3(1), dim3(kThreads), 0, stream, to);
}

}  // namespace espalier::cuda
