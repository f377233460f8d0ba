// Every backend of this build, by the names that --device takes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"

namespace espalier {

// `device`: "cpu", "reference" (slow, defines correctness), "vulkan:N" or "vulkan:UUID", "cuda:N"
// or "cuda:UUID", or "auto": the CPU unless a Vulkan device is there that is twice as fast in a
// short measurement; a device that computes in software is never taken unasked, nor is CUDA.
// `threads`: 0 for one per core. Errors: kUnsupported naming the devices there are, or why the one
// that was asked for cannot be used.
Result<std::unique_ptr<Backend>> OpenBackend(const std::string& device, int threads);

// Devices that cannot be used are listed with the reason (DeviceInfo::refusal).
std::vector<DeviceInfo> ListBackendDevices();

}  // namespace espalier
