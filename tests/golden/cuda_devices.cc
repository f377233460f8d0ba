// The library that ESPALIER_CUDA_LIBRARY names, here the emulated one.
#include "tests/golden/devices.h"

namespace espalier {

std::vector<std::string> GoldenDevices() { return {"cuda"}; }

}  // namespace espalier
