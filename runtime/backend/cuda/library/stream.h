// Owners of the runtime's handles: a stream, a graph ready to launch, pinned host memory.
#pragma once

#include <memory>
#include <utility>

#include "runtime/backend/cuda/library/device.h"

namespace espalier::cuda {

class Stream {
 public:
  // Errors: kExhausted, kDeviceLost.
  static Result<std::unique_ptr<Stream>> Create(Device* device);
  ~Stream() { device_.functions().StreamDestroy(handle_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t handle() const { return handle_; }
  // Errors: kDeviceLost.
  Status Wait(const char* what);

 private:
  Stream(Device* device, cudaStream_t handle) : device_(*device), handle_(handle) {}

  Device& device_;
  cudaStream_t handle_;
};

class Graph {
 public:
  Graph(Device* device, cudaGraphExec_t handle) : device_(device), handle_(handle) {}
  Graph(Graph&& other) noexcept
      : device_(other.device_), handle_(std::exchange(other.handle_, nullptr)) {}
  Graph& operator=(Graph&&) = delete;
  ~Graph() {
    if (handle_ != nullptr) device_->functions().GraphExecDestroy(handle_);
  }

  // Launches and waits. Errors: kDeviceLost.
  Status Run(Stream* stream, const char* what) const;

 private:
  Device* device_;
  cudaGraphExec_t handle_;
};

// What `work` puts on the stream, as a graph. Errors: those of `work`, kExhausted, kDeviceLost.
template <typename Work>
Result<Graph> Capture(Device* device, Stream* stream, const Work& work) {
  const Functions& cuda = device->functions();
  // Relaxed: other sessions may allocate and copy meanwhile, and the runtime may load a kernel's
  // code at its first launch.
  ESP_RETURN_IF_ERROR(device->Check(
      cuda.StreamBeginCapture(stream->handle(), cudaStreamCaptureModeRelaxed), "capture"));
  const Status status = work();
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cuda.StreamEndCapture(stream->handle(), &graph);
  cudaGraphExec_t executable = nullptr;
  Status made = status.ok() ? device->Check(ended, "capture") : status;
  if (made.ok()) made = device->Check(cuda.GraphInstantiate(&executable, graph, 0), "graph");
  if (graph != nullptr) cuda.GraphDestroy(graph);
  if (!made.ok()) return made;
  ++device->counters().graphs;
  return Graph(device, executable);
}

// Host memory that the device reads without a copy of the driver's in between.
class PinnedMemory {
 public:
  // Errors: kExhausted, kDeviceLost.
  static Result<std::unique_ptr<PinnedMemory>> Create(Device* device, size_t size_bytes);
  ~PinnedMemory() { device_.functions().FreeHost(data_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  void* data() const { return data_; }

 private:
  PinnedMemory(Device* device, void* data) : device_(*device), data_(data) {}

  Device& device_;
  void* data_;
};

}  // namespace espalier::cuda
