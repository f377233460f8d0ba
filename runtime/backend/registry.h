// Every backend of this build, by the names that --device takes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"

namespace espalier {

// `device`: "cpu", "reference" (slow, defines correctness), or "auto" (the fastest that works).
// `threads`: 0 for one per core. Errors: kUnsupported naming the devices there are.
Result<std::unique_ptr<Backend>> OpenBackend(const std::string& device, int threads);

std::vector<DeviceInfo> ListBackendDevices();

}  // namespace espalier
