// The Vulkan backend: any device with Vulkan 1.1, the loader opened at run time.
//
// Goals: the CPU's words on any GPU (f32 sums, weights in their storage type); a plan recorded once
// and submitted again; devices that lack something refused with the reason. Non-goals: graphics
// interoperability, several queues, fusing across ops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"

namespace espalier {

namespace vulkan {
struct Functions;
}  // namespace vulkan

struct VulkanOptions {
  // "vulkan" (the first device), "vulkan:N", or "vulkan:UUID" as `espalier devices` shows it.
  std::string device = "vulkan:0";
  std::string loader = "libvulkan.so.1";
  // Pipelines are kept here between processes; "": $XDG_CACHE_HOME/espalier or ~/.cache/espalier.
  std::string cache_folder = {};
  // Loads the validation layers where they are installed; a message of theirs becomes the error
  // (kInternal) of the next call. Also turned on by ESPALIER_VULKAN_VALIDATION=1.
  bool validation = false;
  std::function<void(const std::string&)> on_validation_message = {};  // from any thread
  // Which matrix product kernel; ESPALIER_VULKAN_PRODUCTS=direct, tiled or cooperative says it for
  // kByDevice.
  enum class Gemm : uint8_t { kByDevice, kDirect, kTiled, kCooperative };
  Gemm gemm = Gemm::kByDevice;
  // For tests: device memory as if it were another card's, a lower limit.
  bool separate_memory = false;
  int64_t largest_weight_bytes = 0;  // of one buffer; 0: the device's limit
  std::function<void(vulkan::Functions*)> adjust_functions = {};  // replace calls with faulty ones
};

// Errors: kUnsupported (no loader, no driver, no such device, or the device's refusal),
// kInvalidArgument (ESPALIER_VULKAN_PRODUCTS).
Result<std::unique_ptr<Backend>> MakeVulkanBackend(const VulkanOptions& options);

// All devices, refused ones included. Without any: one entry "vulkan" whose refusal says why.
std::vector<DeviceInfo> ListVulkanDevices(const std::string& loader = "libvulkan.so.1");

}  // namespace espalier
