// Device memory in large blocks, cut into ranges: drivers allow few allocations and make each dear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/backend/device/free_ranges.h"
#include "runtime/backend/vulkan/device.h"

namespace espalier::vulkan {

enum class MemoryUse : uint8_t {
  kDevice,  // weights, activations, caches: where shaders read fastest
  kHost,    // lengths, group counts, staging: mapped, coherent, cached where there is such a type
};

class MemoryPool;

// A range of a block's buffer. Freed on destruction; the pool must be alive. Movable.
class Allocation {
 public:
  Allocation() = default;
  Allocation(Allocation&& other) noexcept { *this = std::move(other); }
  Allocation& operator=(Allocation&& other) noexcept;
  ~Allocation() { Free(); }

  VkBuffer buffer() const { return buffer_; }
  VkDeviceSize offset() const { return offset_; }  // in the buffer; a multiple of 256
  size_t size_bytes() const { return size_bytes_; }
  std::byte* host() const { return host_; }  // null where the memory is not the host's

 private:
  friend class MemoryPool;
  void Free();

  MemoryPool* pool_ = nullptr;
  size_t block_ = 0;
  MemoryUse use_ = MemoryUse::kDevice;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceSize offset_ = 0;
  size_t size_bytes_ = 0;
  std::byte* host_ = nullptr;
};

// Thread-safe.
class MemoryPool {
 public:
  // Offsets of allocations; the largest minStorageBufferOffsetAlignment that Vulkan allows.
  static constexpr VkDeviceSize kAlignment = 256;

  // `separate`: never map device memory, as if it were another card's (for tests of staging).
  MemoryPool(Device* device, bool separate) : device_(*device), separate_(separate) {}
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // The contents are undefined. Errors: kExhausted naming the sizes.
  Result<Allocation> Allocate(size_t size_bytes, MemoryUse use);

 private:
  friend class Allocation;
  struct Block {
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkBuffer buffer = VK_NULL_HANDLE;
    std::byte* host = nullptr;
    VkDeviceSize size_bytes = 0;
    MemoryUse use = MemoryUse::kDevice;
    FreeRanges free;
  };

  Result<Block> MakeBlock(VkDeviceSize size_bytes, MemoryUse use);
  int FindMemoryType(uint32_t allowed, MemoryUse use) const;
  bool Take(Block& block, size_t index, VkDeviceSize size_bytes, Allocation* allocation);
  void Free(const Allocation& allocation);
  void DestroyBlock(Block& block);

  Device& device_;
  bool separate_;
  std::mutex mutex_;
  std::vector<Block> blocks_;  // guarded by mutex_; a freed one keeps its place, without a buffer
};

}  // namespace espalier::vulkan
