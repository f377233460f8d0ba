// What the shared library exports: one function, and the table that it returns.
#pragma once

#include <memory>
#include <vector>

#include "runtime/backend/cuda/cuda_backend.h"

namespace espalier {

struct CudaEntry {
  Result<std::unique_ptr<Backend>> (*open)(const CudaOptions& options);
  std::vector<DeviceInfo> (*list)();
};

// C++ objects cross the boundary: both sides must come from the same sources and compiler. What is
// compared is the compiler and the sizes of all that crosses.
struct CudaBuild {
  int version = 1;  // raised by changes that no size shows
  const char* compiler = __VERSION__;
  size_t sizes[7] = {sizeof(Plan),       sizeof(Slot),           sizeof(Weight),     sizeof(Op),
                     sizeof(DeviceInfo), sizeof(DeviceCounters), sizeof(CudaOptions)};
};

inline constexpr char kCudaEntryName[] = "espalier_cuda_entry";
// Null when `build` is not the library's own.
using CudaEntryFunction = const CudaEntry* (*)(const CudaBuild* build);

}  // namespace espalier
