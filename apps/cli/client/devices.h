// What can be computed on, as the C interface lists it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace espalier::cli {

// As esp_device_info.
struct ComputeDevice {
  std::string id, kind, name, detail, uuid;
  std::string refusal;  // why it cannot be used; empty: it can
  int64_t memory_bytes = 0;
};

// Errors: those of esp_device.
Result<std::vector<ComputeDevice>> ListComputeDevices();

}  // namespace espalier::cli
