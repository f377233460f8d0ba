#include "runtime/backend/vulkan/cache_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "runtime/base/file.h"
#include "tests/backend/vulkan/open_vulkan.h"

namespace espalier::vulkan {
namespace {

std::string Folder() { return std::string(std::getenv("TEST_TMPDIR")) + "/cache/espalier"; }

TEST(VulkanCacheFileTest, GivesBackWhatWasWritten) {
  const std::string path = Folder() + "/a.bin", data("driver\0data", 11);
  WriteCacheFile(path, data);
  EXPECT_EQ(ReadCacheFile(path), data);
  WriteCacheFile(path, "");
  EXPECT_EQ(ReadCacheFile(path), "");
}

TEST(VulkanCacheFileTest, AbsentTornAndAlteredFilesReadAsEmpty) {
  const std::string path = Folder() + "/b.bin";
  EXPECT_EQ(ReadCacheFile(path), "");
  WriteCacheFile(path, "driver data");
  std::string bytes = *ReadFile(path, 1000);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string torn = bytes.substr(0, i), altered = bytes;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    for (const std::string& bad : {torn, altered, bytes + "x"}) {
      ASSERT_TRUE(WriteFileAtomically(path, bad).ok());
      EXPECT_EQ(ReadCacheFile(path), "") << i;
    }
  }
}

TEST(VulkanCacheFileTest, AnotherDeviceOrDriverHasAnotherFile) {
  PhysicalDevice device;
  const std::string name = CacheFileName(device);
  device.driver_version = 1;
  EXPECT_NE(CacheFileName(device), name);
  device.driver_version = 0;
  device.uuid = "01";
  EXPECT_NE(CacheFileName(device), name);
}

TEST(VulkanCacheFileTest, AFolderThatCannotBeWrittenIsNoError) {
  WriteCacheFile("/proc/no-such-folder/a.bin", "data");
  EXPECT_EQ(ReadCacheFile("/proc/no-such-folder/a.bin"), "");
}

TEST(VulkanCacheFileTest, FollowsTheEnvironment) {
  setenv("XDG_CACHE_HOME", "/xdg", 1);
  setenv("HOME", "/home/somebody", 1);
  EXPECT_EQ(CacheFolder(), "/xdg/espalier");
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(CacheFolder(), "/home/somebody/.cache/espalier");
  unsetenv("HOME");
  EXPECT_EQ(CacheFolder(), "");
}

}  // namespace
}  // namespace espalier::vulkan
