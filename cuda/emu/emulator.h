// Runs the kernels' own source on the CPU: every CUDA thread is a fiber of one host thread, blocks
// run one after another.
//
// Goals: a missing barrier shows as a result that depends on the order of threads; a barrier that
// not every thread reaches ends the process with the kernel's name, where a GPU hangs. Non-goals:
// speed, races between blocks (cuda/README.md says what is not covered).
//
// Kernel files include cuda/device.h, never this. Sources follow CUDA's names, hence the macros.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __forceinline__
#undef __launch_bounds__
#undef __restrict__
#define __global__
#define __device__
#define __host__
// One block at a time runs on a host thread. Values of an earlier block stay, as on a GPU they may.
#define __shared__ static thread_local
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict

namespace espalier::emu {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};
// __thread, not thread_local: their access needs no wrapper, which UBSan takes for a null pointer.
extern __thread Index thread_index, block_index, block_size, grid_size;
extern __thread unsigned char* dynamic_shared;

// The order in which a block's threads run between barriers. For the whole process; tests only.
enum class Order { kForward, kReverse, kShuffled };
void SetOrder(Order order);

// As <<<>>>: runs the kernel, or adds it to the graph that `stream` captures. A configuration that
// a GPU refuses becomes the error that cudaGetLastError returns.
void Launch(const char* kernel, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
            std::function<void()> body);
// Runs `work` now, or adds it to the graph being captured (emu/runtime.cc).
void Enqueue(cudaStream_t stream, std::function<void()> work);
void SetLastError(cudaError_t error);

// What kernels call.
void SyncBlock();
void SyncWarp(unsigned mask);
int Lane();
// The value that lane `source` of the mask gave in the same call.
uint64_t Shuffle(unsigned mask, uint64_t value, int source);

// Of the tensor cores (cuda/tensor_core.cuh says which lane holds what). `elements`: the lane's of
// A in the order of its registers, then of B.
void MultiplyAdd(float (&d)[4], const float (&elements)[12]);
void LoadMatrices(uint32_t (&to)[4], const void* row, bool transposed);

template <typename T>
T ShuffleFrom(unsigned mask, T value, int source) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  bits = Shuffle(mask, bits, source);
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace espalier::emu

#define threadIdx ::espalier::emu::thread_index
#define blockIdx ::espalier::emu::block_index
#define blockDim ::espalier::emu::block_size
#define gridDim ::espalier::emu::grid_size

inline void __syncthreads() { ::espalier::emu::SyncBlock(); }
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu) { ::espalier::emu::SyncWarp(mask); }

template <typename T>
T __shfl_sync(unsigned mask, T value, int source) {
  return ::espalier::emu::ShuffleFrom(mask, value, source);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits) {
  return ::espalier::emu::ShuffleFrom(mask, value, ::espalier::emu::Lane() ^ bits);
}
template <typename T>
T __ldg(const T* from) {
  return *from;
}
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
