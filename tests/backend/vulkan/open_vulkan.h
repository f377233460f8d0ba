// The first Vulkan device for a test, every message of the validation layers a failure.
#pragma once

#include <memory>

#include "runtime/backend/vulkan/vulkan_backend.h"

namespace espalier {

// Null on a machine without a usable device; `reason` then says why, for GTEST_SKIP. A device that
// fails otherwise fails the test.
std::unique_ptr<Backend> OpenVulkan(std::string* reason, VulkanOptions options = {});

}  // namespace espalier

// VULKAN_OR_SKIP(backend, {.gemm = ...}): declares a unique_ptr<Backend> or skips the test.
#define VULKAN_OR_SKIP(backend, ...)                                                     \
  std::string backend##_reason;                                                          \
  const std::unique_ptr<Backend> backend = OpenVulkan(&backend##_reason, ##__VA_ARGS__); \
  if (backend == nullptr) GTEST_SKIP() << backend##_reason
