// What a physical device says of itself, and whether the shaders can run there.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/backend/vulkan/cooperative_matrix.h"

namespace espalier::vulkan {

struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  std::string name;
  std::string uuid;  // 32 hexadecimal digits; the same after a reboot or with other devices beside
  std::string driver;  // name and version
  VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
  uint32_t api_version = 0;
  uint32_t vendor_id = 0, device_id = 0, driver_version = 0;
  VkPhysicalDeviceLimits limits = {};
  VkPhysicalDeviceMemoryProperties memory = {};
  uint32_t subgroup_size = 0;
  VkSubgroupFeatureFlags subgroup_operations = 0;
  CooperativeShape cooperative;  // of subgroups of subgroup_size
  uint32_t queue_family = 0;     // one with compute, without graphics where there is one
  int64_t memory_bytes = 0;      // of the largest device-local heap
  std::string refusal;           // why it cannot be used; empty when it can

  // A driver that computes on the processor: correct, never fast.
  bool is_software() const { return type == VK_PHYSICAL_DEVICE_TYPE_CPU; }
};

// What a device lacks ("16384 bytes of shared memory; ..."), or an empty string.
std::string WhatIsMissing(const PhysicalDevice& device);

// Asks the device; `refusal` is set.
PhysicalDevice DescribeDevice(const Functions& functions, VkPhysicalDevice handle);

}  // namespace espalier::vulkan
