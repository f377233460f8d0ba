// The devices that a golden test runs on.
#pragma once

#include <string>
#include <vector>

namespace espalier {

// As --device takes them; a Vulkan device that is not there is skipped.
std::vector<std::string> GoldenDevices();

}  // namespace espalier
