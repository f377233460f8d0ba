#include <gtest/gtest.h>

#include "runtime/backend/vulkan/physical_device.h"
#include "tests/backend/vulkan/open_vulkan.h"

namespace espalier {
namespace {

using vulkan::PhysicalDevice;
using vulkan::WhatIsMissing;

PhysicalDevice GoodDevice() {
  PhysicalDevice device;
  device.api_version = VK_API_VERSION_1_1;
  device.subgroup_operations = VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
  device.limits.maxComputeWorkGroupInvocations = 128;
  device.limits.maxComputeWorkGroupSize[0] = 128;
  device.limits.maxComputeWorkGroupCount[1] = 65535;
  device.limits.maxComputeSharedMemorySize = 16384;
  device.limits.maxPerStageDescriptorStorageBuffers = 8;
  device.limits.maxPushConstantsSize = 128;
  device.limits.maxStorageBufferRange = 1u << 27;
  return device;
}

TEST(VulkanDevicesTest, AMachineWithoutALoaderSaysSo) {
  const auto backend = MakeVulkanBackend({.loader = "libthere-is-none.so.1"});
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(backend.status().message().find("libthere-is-none.so.1"), std::string::npos);
  const auto devices = ListVulkanDevices("libthere-is-none.so.1");
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0].id, "vulkan");
  EXPECT_EQ(devices[0].refusal, backend.status().message());
}

TEST(VulkanDevicesTest, ALibraryThatIsNoLoaderIsRefused) {
  const auto backend = MakeVulkanBackend({.loader = "libdl.so.2"});
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.status().code(), StatusCode::kUnsupported);
}

TEST(VulkanDevicesTest, ADeviceIsNamedByNumberAndByUuid) {
  VULKAN_OR_SKIP(first);
  const DeviceInfo& info = first->info();
  EXPECT_EQ(info.id, "vulkan:0");
  ASSERT_EQ(info.uuid.size(), 32u);
  EXPECT_GT(info.memory_bytes, 0);
  std::string reason;
  const auto same = OpenVulkan(&reason, {.device = "vulkan:" + info.uuid});
  ASSERT_NE(same, nullptr) << reason;
  EXPECT_EQ(same->info().id, info.id);
  for (const char* name : {"vulkan:99", "vulkan:-1", "vulkan:0x", "vulkan:0123456789abcdef"}) {
    const auto other = MakeVulkanBackend({.device = name});
    ASSERT_FALSE(other.ok()) << name;
    EXPECT_EQ(other.status().code(), StatusCode::kUnsupported);
    EXPECT_NE(other.status().message().find(name), std::string::npos);
  }
}

TEST(VulkanDevicesTest, WhatADeviceLacksIsNamedWithBothNumbers) {
  EXPECT_EQ(WhatIsMissing(GoodDevice()), "");
  PhysicalDevice device = GoodDevice();
  device.limits.maxComputeSharedMemorySize = 8192;
  EXPECT_EQ(WhatIsMissing(device), "8192 bytes of shared memory, 16384 are needed");
  device = GoodDevice();
  device.api_version = VK_API_VERSION_1_0;
  device.subgroup_operations = 0;
  EXPECT_EQ(WhatIsMissing(device), "Vulkan 1.0 only, 1.1 is needed; no subgroup arithmetic");
}

TEST(VulkanDevicesTest, EveryLimitIsChecked) {
  const auto lowered = [](auto lower) {
    PhysicalDevice device = GoodDevice();
    lower(device.limits);
    return WhatIsMissing(device);
  };
  EXPECT_NE(lowered([](auto& l) { l.maxComputeWorkGroupInvocations = 32; }), "");
  EXPECT_NE(lowered([](auto& l) { l.maxComputeWorkGroupSize[0] = 32; }), "");
  EXPECT_NE(lowered([](auto& l) { l.maxComputeWorkGroupCount[1] = 1000; }), "");
  EXPECT_NE(lowered([](auto& l) { l.maxPerStageDescriptorStorageBuffers = 4; }), "");
  EXPECT_NE(lowered([](auto& l) { l.maxPushConstantsSize = 64; }), "");
  EXPECT_NE(lowered([](auto& l) { l.maxStorageBufferRange = 1u << 26; }), "");
}

}  // namespace
}  // namespace espalier
