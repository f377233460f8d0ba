#include "runtime/backend/cuda/library/transfer.h"

#include "runtime/base/check.h"

namespace espalier::cuda {

Result<std::unique_ptr<Transfer>> Transfer::Create(Device* device) {
  ESP_ASSIGN_OR_RETURN(auto stream, Stream::Create(device));
  return std::unique_ptr<Transfer>(new Transfer(device, std::move(stream)));  // NOLINT: private
}

Status Transfer::Copy(void* to, const void* from, size_t size_bytes, cudaMemcpyKind kind) {
  if (size_bytes == 0) return OkStatus();
  const std::lock_guard<std::mutex> lock(mutex_);
  ESP_RETURN_IF_ERROR(device_.Use());
  ESP_RETURN_IF_ERROR(device_.Check(
      device_.functions().MemcpyAsync(to, from, size_bytes, kind, stream_->handle()), "copy"));
  ++device_.counters().submits;
  return stream_->Wait("copy");
}

Status Transfer::Write(const Allocation& to, size_t offset_bytes,
                       std::span<const std::byte> bytes) {
  ESP_DCHECK(offset_bytes + bytes.size() <= to.size_bytes());
  ESP_RETURN_IF_ERROR(
      Copy(to.data() + offset_bytes, bytes.data(), bytes.size(), cudaMemcpyHostToDevice));
  device_.counters().written_bytes += static_cast<int64_t>(bytes.size());
  return OkStatus();
}

Status Transfer::Read(const Allocation& from, size_t offset_bytes, std::span<std::byte> bytes) {
  ESP_DCHECK(offset_bytes + bytes.size() <= from.size_bytes());
  ESP_RETURN_IF_ERROR(
      Copy(bytes.data(), from.data() + offset_bytes, bytes.size(), cudaMemcpyDeviceToHost));
  device_.counters().read_bytes += static_cast<int64_t>(bytes.size());
  return OkStatus();
}

Status Transfer::Clear(const Allocation& allocation) {
  if (allocation.size_bytes() == 0) return OkStatus();
  const std::lock_guard<std::mutex> lock(mutex_);
  ESP_RETURN_IF_ERROR(device_.Use());
  ESP_RETURN_IF_ERROR(
      device_.Check(device_.functions().MemsetAsync(allocation.data(), 0, allocation.size_bytes(),
                                                    stream_->handle()),
                    "clear"));
  ++device_.counters().submits;
  return stream_->Wait("clear");
}

}  // namespace espalier::cuda
