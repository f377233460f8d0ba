#include "runtime/backend/registry.h"

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/reference/reference_backend.h"
#include "runtime/backend/vulkan/vulkan_backend.h"

namespace espalier {

Result<std::unique_ptr<Backend>> OpenBackend(const std::string& device, int threads) {
  if (threads < 0) return InvalidArgument("threads: a positive number, or 0 for one per core");
  if (device == "cpu" || device == "auto") return MakeCpuBackend({.threads = threads});
  if (device == "reference") return MakeReferenceBackend();
  if (device == "vulkan" || device.starts_with("vulkan:")) {
    return MakeVulkanBackend({.device = device});
  }
  return Unsupported("device '" + device +
                     "' is not in this build; there are: cpu, reference, vulkan:N");
}

std::vector<DeviceInfo> ListBackendDevices() {
  std::vector<DeviceInfo> devices;
  // Without an instruction set that was asked for there is no such device; opening it says why.
  const auto cpu = MakeCpuBackend(CpuOptions{});
  if (cpu.ok()) devices.push_back((*cpu)->info());
  devices.push_back(MakeReferenceBackend()->info());
  for (DeviceInfo& device : ListVulkanDevices()) devices.push_back(std::move(device));
  return devices;
}

}  // namespace espalier
