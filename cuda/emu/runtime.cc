#include "cuda/emu/runtime.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda/emu/emulator.h"

namespace espalier::emu {
namespace {

using Work = std::vector<std::function<void()>>;

thread_local cudaError_t last_error = cudaSuccess;
std::atomic<int64_t> live_objects = 0;

}  // namespace
}  // namespace espalier::emu

struct CUstream_st {
  std::unique_ptr<espalier::emu::Work> capture;
  bool invalidated = false;  // something happened that a capture forbids
};
struct CUgraph_st {
  espalier::emu::Work work;
};
struct CUgraphExec_st {
  espalier::emu::Work work;
};

namespace espalier::emu {

int64_t LiveObjects() { return live_objects; }
void CountObject(int64_t change) { live_objects += change; }
void SetLastError(cudaError_t error) { last_error = error; }

void Enqueue(cudaStream_t stream, std::function<void()> work) {
  if (stream != nullptr && stream->capture != nullptr) {
    stream->capture->push_back(std::move(work));
  } else {
    work();
  }
}

namespace {

template <typename T>
cudaError_t Make(T** made, T* value) {
  *made = value;
  CountObject(1);
  return cudaSuccess;
}

template <typename T>
cudaError_t Destroy(T* value) {
  if (value != nullptr) CountObject(-1);
  delete value;
  return cudaSuccess;
}

cudaError_t Allocate(void** memory, size_t size_bytes) {
  *memory = std::aligned_alloc(256, (size_bytes + 255) / 256 * 256);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  // Fresh memory holds anything; as floats these bytes are about -4e8.
  std::memset(*memory, 0xCD, size_bytes);
  CountObject(1);
  return cudaSuccess;
}

cudaError_t Free(void* memory) {
  if (memory != nullptr) CountObject(-1);
  std::free(memory);
  return cudaSuccess;
}

}  // namespace
}  // namespace espalier::emu

namespace emu = espalier::emu;

extern "C" {

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return cudaErrorInvalidDevice;
  *properties = {};
  std::strcpy(properties->name, "CUDA emulation on the CPU");
  properties->major = 8;
  properties->minor = 6;
  properties->totalGlobalMem = size_t{4} << 30;
  properties->multiProcessorCount = 0;  // how the backend tells that this is no GPU
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }

cudaError_t cudaGetLastError() {
  const cudaError_t error = emu::last_error;
  emu::last_error = cudaSuccess;
  return error;
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    default:
      return "a CUDA error";
  }
}

cudaError_t cudaMalloc(void** memory, size_t size_bytes) {
  return emu::Allocate(memory, size_bytes);
}
cudaError_t cudaFree(void* memory) { return emu::Free(memory); }
cudaError_t cudaMallocHost(void** memory, size_t size_bytes) {
  return emu::Allocate(memory, size_bytes);
}
cudaError_t cudaFreeHost(void* memory) { return emu::Free(memory); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size_bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  emu::Enqueue(stream, [=] { std::memcpy(to, from, size_bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t size_bytes, cudaStream_t stream) {
  emu::Enqueue(stream, [=] { std::memset(memory, value, size_bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return emu::Make(stream, new CUstream_st);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return emu::Destroy(stream); }

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream == nullptr || stream->capture == nullptr) return cudaSuccess;
  stream->invalidated = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  stream->capture = std::make_unique<emu::Work>();
  stream->invalidated = false;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (stream->capture == nullptr) return cudaErrorIllegalState;
  const auto work = std::move(stream->capture);
  if (stream->invalidated) return cudaErrorStreamCaptureInvalidated;
  return emu::Make(graph, new CUgraph_st{std::move(*work)});
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  return emu::Make(executable, new CUgraphExec_st{graph->work});
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  for (const auto& work : executable->work) work();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return emu::Destroy(graph); }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) { return emu::Destroy(executable); }

}  // extern "C"
