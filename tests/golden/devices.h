// The devices that a golden test runs on.
#pragma once

#include <string>
#include <vector>

namespace espalier {

struct GoldenDevice {
  std::string name;             // as --device takes it
  bool may_be_missing = false;  // then its tests are skipped with the reason
};
std::vector<GoldenDevice> GoldenDevices();

}  // namespace espalier
