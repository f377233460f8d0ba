// The pipeline cache on disk. Nothing here can fail: without a cache, pipelines are made afresh.
#pragma once

#include <string>

#include "runtime/backend/vulkan/physical_device.h"

namespace espalier::vulkan {

// $XDG_CACHE_HOME/espalier, else $HOME/.cache/espalier, else "".
std::string CacheFolder();

// One file per device and driver version: a driver refuses, or worse, accepts another's data.
std::string CacheFileName(const PhysicalDevice& device);

// The driver's data, or "" when the file is absent, torn or altered (it carries a checksum).
std::string ReadCacheFile(const std::string& path);

// Whole or not at all; makes the folder. Failing is silent.
void WriteCacheFile(const std::string& path, const std::string& data);

}  // namespace espalier::vulkan
