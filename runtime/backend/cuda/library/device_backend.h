// The backend inside the shared library: what entry.cc exports and tests open in the process.
#pragma once

#include <functional>
#include <memory>

#include "runtime/backend/cuda/cuda_backend.h"
#include "runtime/backend/cuda/library/functions.h"

namespace espalier::cuda {

struct DeviceOptions {
  std::string device = "cuda:0";
  CudaOptions::Products products = CudaOptions::Products::kByStorage;
  // What is asked of the device at least; 0 in tests: every range its own allocation, so that an
  // access beyond it can be found.
  size_t block_bytes = size_t{32} << 20;
  std::function<void(Functions*)> adjust_functions = {};  // replace calls with faulty ones
};

// Errors: those of MakeCudaBackend.
Result<std::unique_ptr<Backend>> OpenDevice(const DeviceOptions& options);

}  // namespace espalier::cuda
