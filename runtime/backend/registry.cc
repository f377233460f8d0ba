#include "runtime/backend/registry.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/cuda/cuda_backend.h"
#include "runtime/backend/reference/reference_backend.h"
#include "runtime/backend/speed.h"
#include "runtime/backend/vulkan/vulkan_backend.h"

namespace espalier {
namespace {

// Is there a device file of a graphics driver? Listing Vulkan devices loads every installed driver,
// Mesa's processor driver with its compiler among them (50 MB, a tenth of a second): too much to
// learn that a machine has no graphics device. Elsewhere than on Linux nobody knows without asking.
bool MayHaveGraphicsDevice() {
#ifdef __linux__
  constexpr std::array<const char*, 5> kNodes = {"/dev/dri", "/dev/nvidia0", "/dev/dxg",
                                                 "/dev/kgsl-3d0", "/dev/mali0"};
  std::error_code ignored;
  return std::any_of(kNodes.begin(), kNodes.end(),
                     [&](const char* node) { return std::filesystem::exists(node, ignored); });
#else
  return true;
#endif
}

bool MayBeTakenUnasked(const DeviceInfo& device) {
  return device.refusal.empty() && (device.kind == "gpu" || device.kind == "igpu");
}

Result<std::unique_ptr<Backend>> OpenFastest(int threads) {
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<Backend> fastest, MakeCpuBackend({.threads = threads}));
  if (!MayHaveGraphicsDevice()) return fastest;
  for (const DeviceInfo& device : ListVulkanDevices()) {
    if (!MayBeTakenUnasked(device)) continue;
    auto candidate = MakeVulkanBackend({.device = device.id});
    if (candidate.ok() && IsWorthTaking(**candidate, *fastest)) {
      fastest = std::move(candidate).value();
    }
  }
  return fastest;
}

}  // namespace

Result<std::unique_ptr<Backend>> OpenBackend(const std::string& device, int threads) {
  if (threads < 0) return InvalidArgument("threads: a positive number, or 0 for one per core");
  if (device == "auto") return OpenFastest(threads);
  if (device == "cpu") return MakeCpuBackend({.threads = threads});
  if (device == "reference") return MakeReferenceBackend();
  if (device == "vulkan" || device.starts_with("vulkan:")) {
    return MakeVulkanBackend({.device = device});
  }
  if (device == "cuda" || device.starts_with("cuda:")) {
    return MakeCudaBackend({.device = device});
  }
  return Unsupported("device '" + device +
                     "' is not in this build; there are: cpu, reference, vulkan:N, cuda:N");
}

std::vector<DeviceInfo> ListBackendDevices() {
  std::vector<DeviceInfo> devices;
  // Without an instruction set that was asked for there is no such device; opening it says why.
  const auto cpu = MakeCpuBackend(CpuOptions{});
  if (cpu.ok()) devices.push_back((*cpu)->info());
  devices.push_back(MakeReferenceBackend()->info());
  for (DeviceInfo& device : ListVulkanDevices()) devices.push_back(std::move(device));
  for (DeviceInfo& device : ListCudaDevices()) devices.push_back(std::move(device));
  return devices;
}

}  // namespace espalier
