// A backend.h Buffer in device memory.
#pragma once

#include <utility>

#include "runtime/backend/backend.h"
#include "runtime/backend/cuda/library/transfer.h"

namespace espalier::cuda {

class DeviceBuffer final : public Buffer {
 public:
  DeviceBuffer(Allocation allocation, Transfer* transfer)
      : allocation_(std::move(allocation)), transfer_(*transfer) {}

  size_t size_bytes() const override { return allocation_.size_bytes(); }
  Status Write(size_t offset_bytes, std::span<const std::byte> bytes) override {
    return transfer_.Write(allocation_, offset_bytes, bytes);
  }
  Status Read(size_t offset_bytes, std::span<std::byte> bytes) const override {
    return transfer_.Read(allocation_, offset_bytes, bytes);
  }
  std::byte* host() override { return nullptr; }

  const Allocation& allocation() const { return allocation_; }

 private:
  Allocation allocation_;
  Transfer& transfer_;
};

}  // namespace espalier::cuda
