#include "cuda/kernel.cuh"
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
void LaunchLeftLanes(float* to, cudaStream_t stream) {
  ESP_LAUNCH(LeftLanes, dim3(1), dim3(kThreads), 0, stream, to);
}

}  // namespace espalier::cuda
