#include "runtime/backend/registry.h"

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/reference/reference_backend.h"

namespace espalier {

Result<std::unique_ptr<Backend>> OpenBackend(const std::string& device, int threads) {
  if (threads < 0) return InvalidArgument("threads: a positive number, or 0 for one per core");
  if (device == "cpu" || device == "auto") return MakeCpuBackend(CpuOptions{.threads = threads});
  if (device == "reference") return MakeReferenceBackend();
  return Unsupported("device '" + device + "' is not in this build; there are: cpu, reference");
}

std::vector<DeviceInfo> ListBackendDevices() {
  std::vector<DeviceInfo> devices;
  // Without an instruction set that was asked for there is no such device; opening it says why.
  const auto cpu = MakeCpuBackend(CpuOptions{});
  if (cpu.ok()) devices.push_back((*cpu)->info());
  devices.push_back(MakeReferenceBackend()->info());
  return devices;
}

}  // namespace espalier
