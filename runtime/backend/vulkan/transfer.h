// Bytes between host and device. Where device memory is the host's own they are copied straight;
// else through a ring of mapped staging pieces: while the device copies one, the host fills or
// empties another.
#pragma once

#include <array>
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
  // One piece of the ring.
  struct Piece {
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    size_t begin = 0;             // in staging_
    std::span<std::byte> wanted;  // of a read: where the bytes go when they have come
    bool is_busy = false;         // submitted and not waited for
  };

  Status MakePiece(Piece* piece);
  Status PrepareStaging();  // on first need
  // Waits for what the piece was submitted with; a read's bytes are then where they are wanted.
  Status Finish(Piece* piece);
  Status FinishAll();
  template <typename RecordFunction>
  Status Submit(Piece* piece, const RecordFunction& record);
  Status WriteStaged(const Allocation& to, size_t offset_bytes, std::span<const std::byte> bytes);
  Status ReadStaged(const Allocation& from, size_t offset_bytes, std::span<std::byte> bytes);

  Device& device_;
  MemoryPool& pool_;
  std::mutex mutex_;
  Allocation staging_;  // guarded by mutex_, as the ring
  std::array<Piece, 4> pieces_;
};

}  // namespace espalier::vulkan
