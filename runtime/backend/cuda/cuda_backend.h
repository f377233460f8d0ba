// The CUDA backend: opens the shared library that holds it (library/), so that a machine without a
// driver, or a build without the toolkit, runs on the CPU.
//
// Goals: no CUDA header and no CUDA library in the program itself; whatever is missing is one clear
// line. Non-goals: several GPUs for one session, other vendors' CUDA.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"

namespace espalier {

struct CudaOptions {
  // "cuda" (the first device), "cuda:N", or "cuda:UUID" as `espalier devices` shows it.
  std::string device = "cuda:0";
  // "": what ESPALIER_CUDA_LIBRARY names, else libespalier_cuda.so beside the program, else
  // wherever the system looks for libraries.
  std::string library = {};
  // How activations enter products with 16-bit weights and many rows: rounded to the weights' type,
  // for tensor cores with f32 sums, or as f32, several times slower. ESPALIER_CUDA_PRODUCTS=f32
  // chooses the latter. Decoder steps always use f32 activations.
  enum class Products : uint8_t { kByStorage, kF32 };
  Products products = Products::kByStorage;
};

// Errors: kUnsupported (no library or one of another build, no driver, too old a driver, no such
// device, or the device's refusal).
Result<std::unique_ptr<Backend>> MakeCudaBackend(CudaOptions options);

// All devices, refused ones included. Without any: one entry "cuda" whose refusal says why.
std::vector<DeviceInfo> ListCudaDevices(const std::string& library = {});

}  // namespace espalier
