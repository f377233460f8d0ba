// Device memory in large blocks, cut into ranges: cudaMalloc and cudaFree wait for the whole
// device.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/backend/cuda/library/device.h"
#include "runtime/backend/device/free_ranges.h"

namespace espalier::cuda {

class MemoryPool;

// A range of a block. Freed on destruction; the pool must be alive. Movable.
class Allocation {
 public:
  Allocation() = default;
  Allocation(Allocation&& other) noexcept { *this = std::move(other); }
  Allocation& operator=(Allocation&& other) noexcept;
  ~Allocation() { Free(); }

  std::byte* data() const { return data_; }  // on the device; a multiple of 256
  size_t size_bytes() const { return size_bytes_; }

 private:
  friend class MemoryPool;
  void Free();

  MemoryPool* pool_ = nullptr;
  size_t block_ = 0;
  std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
};

// Thread-safe.
class MemoryPool {
 public:
  // `block_bytes`: what is asked of the device at least; tests make it small.
  MemoryPool(Device* device, size_t block_bytes) : device_(*device), block_bytes_(block_bytes) {}
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // The contents are undefined. Errors: kExhausted naming the sizes, kDeviceLost.
  Result<Allocation> Allocate(size_t size_bytes);

 private:
  friend class Allocation;
  struct Block {
    std::byte* data = nullptr;
    size_t size_bytes = 0;
    FreeRanges free;
  };

  Status MakeBlock(size_t size_bytes, Block* block);
  bool Take(size_t index, size_t size_bytes, Allocation* allocation);
  void Free(const Allocation& allocation);
  void DestroyBlock(Block* block);

  Device& device_;
  size_t block_bytes_;
  std::mutex mutex_;
  std::vector<Block> blocks_;  // guarded by mutex_; a freed one keeps its place, without memory
};

}  // namespace espalier::cuda
