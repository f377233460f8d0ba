// What kernel files include: CUDA under nvcc, the emulator under the host's compiler.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#define ESP_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
  kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__)
// Declares `name` as the block's dynamic shared memory. Once in a kernel.
#define ESP_DYNAMIC_SHARED(type, name)                                 \
  extern __shared__ __align__(16) unsigned char esp_dynamic_shared_[]; \
  type* name = reinterpret_cast<type*>(esp_dynamic_shared_)
#else
#include "cuda/emu/emulator.h"

#define ESP_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)            \
  ::espalier::emu::Launch(#kernel, (grid), (block), (shared_bytes), (stream), \
                          [=] { (kernel)(__VA_ARGS__); })
#define ESP_DYNAMIC_SHARED(type, name) \
  type* name = reinterpret_cast<type*>(::espalier::emu::dynamic_shared)
#endif
