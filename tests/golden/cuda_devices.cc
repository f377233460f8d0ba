// The library that ESPALIER_CUDA_LIBRARY names: the emulated one, whose device is always there, or
// the real one.
#include "tests/golden/devices.h"

namespace espalier {

std::vector<GoldenDevice> GoldenDevices() {
  return {{.name = "cuda", .may_be_missing = ESP_GPU_MAY_BE_MISSING}};
}

}  // namespace espalier
