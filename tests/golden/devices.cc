#include "tests/golden/devices.h"

namespace espalier {

std::vector<std::string> GoldenDevices() { return {"reference", "cpu", "vulkan"}; }

}  // namespace espalier
