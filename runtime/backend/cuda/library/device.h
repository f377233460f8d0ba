// One GPU: what it says of itself, its calls, and whether it was lost.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"
#include "runtime/backend/cuda/library/functions.h"

namespace espalier::cuda {

struct Counters {
  std::atomic<int64_t> dispatches = 0;  // kernels and products run, not captured
  std::atomic<int64_t> submits = 0;     // graphs launched, and copies
  std::atomic<int64_t> graphs = 0;      // captured
  std::atomic<int64_t> written_bytes = 0;
  std::atomic<int64_t> read_bytes = 0;
  std::atomic<int64_t> memory_bytes = 0;    // in use at present
  std::atomic<int64_t> reserved_bytes = 0;  // of blocks at present
};

// Thread-safe. Everything made from it must be gone before it.
class Device {
 public:
  // `name` as CudaOptions::device. Errors: kUnsupported (no driver, too old, no such device, its
  // refusal), kDeviceLost.
  static Result<std::unique_ptr<Device>> Open(const std::string& name, const Functions& functions);

  const Functions& functions() const { return functions_; }
  const DeviceInfo& info() const { return info_; }
  Counters& counters() { return counters_; }

  // Before calls on a thread: the runtime keeps the present device by thread. Errors: kDeviceLost,
  // also when it was lost before.
  Status Use();

  // The status of a call. Memory that is not there is kExhausted; everything else means that the
  // runtime's context cannot be used any more (as the CUDA manual has it): kDeviceLost, for ever.
  Status Check(cudaError_t error, const char* what);
  // Of the launches since the last look.
  Status CheckLaunch(const char* what) { return Check(functions_.GetLastError(), what); }
  Status Check(cublasStatus_t status, const char* what);

 private:
  Device(const Functions& functions, DeviceInfo info, int index)
      : functions_(functions), info_(std::move(info)), index_(index) {}

  Functions functions_;
  DeviceInfo info_;
  int index_;
  std::atomic<bool> lost_ = false;
  Counters counters_;
};

// Every device; refused ones say why. Without a usable driver: one entry "cuda" with the reason.
std::vector<DeviceInfo> DescribeDevices(const Functions& functions);

}  // namespace espalier::cuda
