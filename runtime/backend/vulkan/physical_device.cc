#include "runtime/backend/vulkan/physical_device.h"

#include <algorithm>
#include <vector>

#include "runtime/base/string_format.h"
#include "shaders/params/gemm.h"

namespace espalier::vulkan {
namespace {

std::string Hex(const uint8_t (&bytes)[VK_UUID_SIZE]) {
  std::string text;
  for (const uint8_t byte : bytes) text += StrFormat("%02x", byte);
  return text;
}

// A family that computes; one without graphics is not held up by the screen. -1: none.
int FindQueueFamily(const Functions& vk, VkPhysicalDevice handle) {
  uint32_t count = 0;
  vk.GetPhysicalDeviceQueueFamilyProperties(handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vk.GetPhysicalDeviceQueueFamilyProperties(handle, &count, families.data());
  int found = -1;
  for (uint32_t i = 0; i < count; ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    if ((families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) == 0) return static_cast<int>(i);
    if (found < 0) found = static_cast<int>(i);
  }
  return found;
}

int64_t LargestLocalHeap(const VkPhysicalDeviceMemoryProperties& memory) {
  VkDeviceSize largest = 0;
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) {
      largest = std::max(largest, memory.memoryHeaps[i].size);
    }
  }
  return static_cast<int64_t>(largest);
}

// A limit of the device and the least that the shaders and the recorder are written for.
struct Need {
  const char* name;
  uint64_t has, needs;
};

}  // namespace

std::string WhatIsMissing(const PhysicalDevice& device) {
  const VkPhysicalDeviceLimits& limits = device.limits;
  std::string text;
  const auto add = [&text](const std::string& reason) {
    text += (text.empty() ? "" : "; ") + reason;
  };
  if (device.api_version < VK_API_VERSION_1_1) add("Vulkan 1.0 only, 1.1 is needed");
  if ((device.subgroup_operations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) == 0) {
    add("no subgroup arithmetic");
  }
  for (const Need& need : {
           Need{"invocations of a workgroup", limits.maxComputeWorkGroupInvocations, 64},
           Need{"workgroup width", limits.maxComputeWorkGroupSize[0], 64},
           Need{"workgroups in a row", limits.maxComputeWorkGroupCount[1], 65535},
           Need{"bytes of shared memory", limits.maxComputeSharedMemorySize, 16384},
           Need{"storage buffers of a shader", limits.maxPerStageDescriptorStorageBuffers, 8},
           Need{"bytes of push constants", limits.maxPushConstantsSize, 128},
           Need{"bytes of a storage buffer", limits.maxStorageBufferRange, uint64_t{1} << 27},
       }) {
    if (need.has >= need.needs) continue;
    add(StrFormat("%llu %s, %llu are needed", static_cast<unsigned long long>(need.has), need.name,
                  static_cast<unsigned long long>(need.needs)));
  }
  return text;
}

PhysicalDevice DescribeDevice(const Functions& functions, VkPhysicalDevice handle) {
  VkPhysicalDeviceDriverProperties driver = {};
  driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
  VkPhysicalDeviceSubgroupProperties subgroup = {};
  subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
  VkPhysicalDeviceIDProperties id = {};
  id.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES;
  VkPhysicalDeviceProperties2 all = {};
  all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  functions.GetPhysicalDeviceProperties2(handle, &all);
  const VkPhysicalDeviceProperties& properties = all.properties;
  PhysicalDevice device;
  device.handle = handle;
  device.name = properties.deviceName;
  device.type = properties.deviceType;
  device.api_version = properties.apiVersion;
  device.vendor_id = properties.vendorID;
  device.device_id = properties.deviceID;
  device.driver_version = properties.driverVersion;
  device.limits = properties.limits;
  // Extended structures only where the device knows them.
  if (properties.apiVersion >= VK_API_VERSION_1_1) {
    id.pNext = &subgroup;
    subgroup.pNext = properties.apiVersion >= VK_API_VERSION_1_2 ? &driver : nullptr;
    all.pNext = &id;
    functions.GetPhysicalDeviceProperties2(handle, &all);
    device.uuid = Hex(id.deviceUUID);
    device.subgroup_size = subgroup.subgroupSize;
    if ((subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0) {
      device.subgroup_operations = subgroup.supportedOperations;
    }
    device.driver = std::string(driver.driverName) + " " + driver.driverInfo;
  }
  device.cooperative = FindCooperativeShape(functions, handle, device.api_version,
                                            device.subgroup_size, ESP_COOPERATIVE_DEPTH);
  functions.GetPhysicalDeviceMemoryProperties(handle, &device.memory);
  device.memory_bytes = LargestLocalHeap(device.memory);
  device.refusal = WhatIsMissing(device);
  const int family = FindQueueFamily(functions, handle);
  if (family < 0) device.refusal = "no queue that computes";
  device.queue_family = static_cast<uint32_t>(std::max(family, 0));
  return device;
}

}  // namespace espalier::vulkan
