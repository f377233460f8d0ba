#include "tests/golden/devices.h"

namespace espalier {

std::vector<GoldenDevice> GoldenDevices() {
  return {{.name = "reference"}, {.name = "cpu"}, {.name = "vulkan", .may_be_missing = true}};
}

}  // namespace espalier
