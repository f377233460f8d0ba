// Kernels with and without faults, for emulator_test.
#pragma once

#include <cuda_runtime_api.h>

namespace espalier::cuda {

// to[i] = from[255 - i] through shared memory; from[i] must be i + 1 or so. One block of 256.
void LaunchReverse(const float* from, float* to, cudaStream_t stream);
// The same without the barrier.
void LaunchReverseWithoutBarrier(const float* from, float* to, cudaStream_t stream);
// *to = the sum of from[0 … 255], by shuffles and one barrier.
void LaunchSum(const float* from, float* to, cudaStream_t stream);
// d = a · b + 1 on the tensor cores, factors rounded to f16. a: (16, 16) by row, b: (16, 8) by
// column, d: (16, 8) by row.
void LaunchProduct(const float* a, const float* b, float* d, cudaStream_t stream);
// Four (8, 8) matrices, rounded to f16, each transposed.
void LaunchTranspose(const float* from, float* to, cudaStream_t stream);
// A barrier inside a warp operation's branch: never completed.
void LaunchStuck(cudaStream_t stream);
// A shuffle whose mask names lanes that have returned.
void LaunchLeftLanes(float* to, cudaStream_t stream);

}  // namespace espalier::cuda
