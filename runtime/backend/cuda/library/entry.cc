#include "runtime/backend/cuda/entry.h"

#include <algorithm>
#include <cstring>

#include "runtime/backend/cuda/library/device.h"
#include "runtime/backend/cuda/library/device_backend.h"

namespace espalier {
namespace {

Result<std::unique_ptr<Backend>> Open(const CudaOptions& options) {
  return cuda::OpenDevice(
      {.device = options.device, .products = options.products, .adjust_functions = {}});
}

std::vector<DeviceInfo> List() { return cuda::DescribeDevices(cuda::Functions()); }

constexpr CudaEntry kEntry = {.open = Open, .list = List};

}  // namespace
}  // namespace espalier

extern "C" [[gnu::visibility("default")]] const espalier::CudaEntry* espalier_cuda_entry(
    const espalier::CudaBuild* build) {
  const espalier::CudaBuild own;
  const bool same = build->version == own.version &&
                    std::strcmp(build->compiler, own.compiler) == 0 &&
                    std::equal(std::begin(own.sizes), std::end(own.sizes), build->sizes);
  return same ? &espalier::kEntry : nullptr;
}
