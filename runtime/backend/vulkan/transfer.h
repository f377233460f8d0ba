// Bytes between host and device. Where device memory is the host's own they are copied straight;
// else through a mapped staging range and the device's copy engine, piece by piece.
#pragma once

#include <memory>
#include <mutex>
#include <span>

#include "runtime/backend/vulkan/memory.h"

namespace espalier::vulkan {

// Thread-safe. Every function waits until the bytes are there.
class Transfer {
 public:
  // Errors: kExhausted, kDeviceLost.
  static Result<std::unique_ptr<Transfer>> Create(Device* device, MemoryPool* pool);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // The range must lie inside the allocation (ours to ensure). Errors: kDeviceLost, kExhausted.
  Status Write(const Allocation& to, size_t offset_bytes, std::span<const std::byte> bytes);
  Status Read(const Allocation& from, size_t offset_bytes, std::span<std::byte> bytes);
  Status Clear(const Allocation& allocation);

 private:
  Transfer(Device* device, MemoryPool* pool) : device_(*device), pool_(*pool) {}
  Status PrepareStaging();  // on first need
  template <typename RecordFunction>
  Status Submit(const RecordFunction& record);

  Device& device_;
  MemoryPool& pool_;
  std::mutex mutex_;
  Allocation staging_;  // guarded by mutex_, as all below
  VkCommandPool commands_ = VK_NULL_HANDLE;
  VkCommandBuffer buffer_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;
};

}  // namespace espalier::vulkan
