#include "runtime/backend/cuda/library/stream.h"

namespace espalier::cuda {

Result<std::unique_ptr<Stream>> Stream::Create(Device* device) {
  ESP_RETURN_IF_ERROR(device->Use());
  cudaStream_t handle = nullptr;
  ESP_RETURN_IF_ERROR(device->Check(
      device->functions().StreamCreateWithFlags(&handle, cudaStreamNonBlocking), "stream"));
  return std::unique_ptr<Stream>(new Stream(device, handle));  // NOLINT: private
}

Status Stream::Wait(const char* what) {
  return device_.Check(device_.functions().StreamSynchronize(handle_), what);
}

Status Graph::Run(Stream* stream, const char* what) const {
  ESP_RETURN_IF_ERROR(device_->Use());
  ESP_RETURN_IF_ERROR(
      device_->Check(device_->functions().GraphLaunch(handle_, stream->handle()), what));
  ++device_->counters().submits;
  return stream->Wait(what);
}

Result<std::unique_ptr<PinnedMemory>> PinnedMemory::Create(Device* device, size_t size_bytes) {
  ESP_RETURN_IF_ERROR(device->Use());
  void* data = nullptr;
  ESP_RETURN_IF_ERROR(
      device->Check(device->functions().MallocHost(&data, size_bytes), "pinned memory"));
  return std::unique_ptr<PinnedMemory>(new PinnedMemory(device, data));  // NOLINT: private
}

}  // namespace espalier::cuda
