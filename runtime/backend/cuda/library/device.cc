#include "runtime/backend/cuda/library/device.h"

#include <charconv>

#include "runtime/base/string_format.h"

namespace espalier::cuda {
namespace {

std::string Hex(const cudaUUID_t& uuid) {
  std::string text;
  for (const char byte : uuid.bytes) text += StrFormat("%02x", static_cast<unsigned char>(byte));
  return text;
}

std::string VersionText(int version) {
  return StrFormat("%d.%d", version / 1000, version % 1000 / 10);
}

// Why the driver cannot be used, or an empty string.
std::string DriverRefusal(const Functions& functions, int* device_count) {
  int driver = 0;
  if (functions.DriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    return "no NVIDIA driver is installed";
  }
  // Minor versions of one major version are compatible with each other.
  if (driver / 1000 < CUDART_VERSION / 1000) {
    return StrFormat("the NVIDIA driver supports CUDA %s, %s is needed",
                     VersionText(driver).c_str(), VersionText(CUDART_VERSION).c_str());
  }
  const cudaError_t error = functions.GetDeviceCount(device_count);
  if (error != cudaSuccess) {
    functions.GetLastError();  // clears it
    return StrFormat("the NVIDIA driver finds no device (%s)", functions.GetErrorName(error));
  }
  return *device_count > 0 ? "" : "the NVIDIA driver finds no device";
}

DeviceInfo Describe(const Functions& functions, int index) {
  DeviceInfo info{.id = "cuda:" + std::to_string(index), .kind = "gpu", .name = "?", .detail = ""};
  cudaDeviceProp properties = {};
  const cudaError_t error = functions.GetDeviceProperties(&properties, index);
  if (error != cudaSuccess) {
    functions.GetLastError();
    info.refusal = functions.GetErrorName(error);
    return info;
  }
  int driver = 0;
  functions.DriverGetVersion(&driver);
  info.name = properties.name;
  // A device without multiprocessors is the emulation (cuda/emu).
  if (properties.multiProcessorCount == 0) info.kind = "software";
  info.detail = StrFormat("compute capability %d.%d, %d multiprocessors, driver for CUDA %s",
                          properties.major, properties.minor, properties.multiProcessorCount,
                          VersionText(driver).c_str());
  info.uuid = Hex(properties.uuid);
  info.memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  if (properties.major < 8) {
    info.refusal =
        StrFormat("compute capability %d.%d, 8.0 is needed", properties.major, properties.minor);
  }
  return info;
}

DeviceInfo NoDevice(std::string refusal) {
  return {.id = "cuda", .kind = "gpu", .name = "CUDA", .detail = "", .refusal = std::move(refusal)};
}

Result<int> FindDevice(const std::vector<DeviceInfo>& devices, const std::string& name) {
  const std::string which = name.size() > 5 ? name.substr(5) : "0";  // behind "cuda:"
  for (size_t i = 0; i < devices.size(); ++i) {
    if (which == devices[i].uuid) return static_cast<int>(i);
  }
  size_t index = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), index);
  if (error == std::errc() && end == which.data() + which.size() && index < devices.size()) {
    return static_cast<int>(index);
  }
  const std::string last = std::to_string(devices.size() - 1);
  return Unsupported("no device " + name + "; there " +
                     (devices.size() == 1 ? "is cuda:0" : "are cuda:0 to cuda:" + last));
}

}  // namespace

std::vector<DeviceInfo> DescribeDevices(const Functions& functions) {
  int count = 0;
  std::string refusal = DriverRefusal(functions, &count);
  if (!refusal.empty()) return {NoDevice(std::move(refusal))};
  std::vector<DeviceInfo> devices;
  for (int i = 0; i < count; ++i) devices.push_back(Describe(functions, i));
  return devices;
}

Result<std::unique_ptr<Device>> Device::Open(const std::string& name, const Functions& functions) {
  const std::vector<DeviceInfo> devices = DescribeDevices(functions);
  if (devices.front().id == "cuda") {
    return Unsupported("CUDA cannot be used: " + devices.front().refusal);
  }
  ESP_ASSIGN_OR_RETURN(const int index, FindDevice(devices, name));
  const DeviceInfo& info = devices[static_cast<size_t>(index)];
  if (!info.refusal.empty()) {
    return Unsupported(info.id + " (" + info.name + ") cannot be used: " + info.refusal);
  }
  std::unique_ptr<Device> device(new Device(functions, info, index));  // NOLINT: private
  ESP_RETURN_IF_ERROR(device->Use());
  return device;
}

Status Device::Use() {
  if (lost_.load(std::memory_order_relaxed)) {
    return Status(StatusCode::kDeviceLost, info_.name + ": the device was lost");
  }
  return Check(functions_.SetDevice(index_), "device");
}

Status Device::Check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return OkStatus();
  const std::string message =
      StrFormat("%s: %s: %s", info_.name.c_str(), what, functions_.GetErrorName(error));
  functions_.GetLastError();  // clears it
  if (error == cudaErrorMemoryAllocation) return Exhausted(message);
  lost_.store(true, std::memory_order_relaxed);
  return Status(StatusCode::kDeviceLost, message);
}

Status Device::Check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return OkStatus();
  const std::string message =
      StrFormat("%s: %s: cuBLASLt status %d", info_.name.c_str(), what, static_cast<int>(status));
  if (status == CUBLAS_STATUS_ALLOC_FAILED) return Exhausted(message);
  if (status == CUBLAS_STATUS_EXECUTION_FAILED) {
    lost_.store(true, std::memory_order_relaxed);
    return Status(StatusCode::kDeviceLost, message);
  }
  return Internal(message);
}

}  // namespace espalier::cuda
