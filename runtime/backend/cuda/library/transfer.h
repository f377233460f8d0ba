// Bytes between host and device, on a stream of their own.
#pragma once

#include <memory>
#include <mutex>
#include <span>

#include "runtime/backend/cuda/library/memory.h"
#include "runtime/backend/cuda/library/stream.h"

namespace espalier::cuda {

// Thread-safe. Every function waits until the bytes are there.
class Transfer {
 public:
  // Errors: kExhausted, kDeviceLost.
  static Result<std::unique_ptr<Transfer>> Create(Device* device);

  // The range must lie inside the allocation (ours to ensure). Errors: kDeviceLost.
  Status Write(const Allocation& to, size_t offset_bytes, std::span<const std::byte> bytes);
  Status Read(const Allocation& from, size_t offset_bytes, std::span<std::byte> bytes);
  Status Clear(const Allocation& allocation);

 private:
  Transfer(Device* device, std::unique_ptr<Stream> stream)
      : device_(*device), stream_(std::move(stream)) {}
  Status Copy(void* to, const void* from, size_t size_bytes, cudaMemcpyKind kind);

  Device& device_;
  std::mutex mutex_;
  std::unique_ptr<Stream> stream_;  // guarded by mutex_
};

}  // namespace espalier::cuda
