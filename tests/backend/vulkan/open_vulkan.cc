#include "tests/backend/vulkan/open_vulkan.h"

#include <gtest/gtest.h>

#include <utility>

namespace espalier {

std::unique_ptr<Backend> OpenVulkan(std::string* reason, VulkanOptions options) {
  options.validation = true;
  options.on_validation_message = [](const std::string& message) { ADD_FAILURE() << message; };
  auto backend = MakeVulkanBackend(options);
  if (backend.ok()) return std::move(backend).value();
  *reason = backend.status().message();
  EXPECT_EQ(backend.status().code(), StatusCode::kUnsupported) << *reason;
  return nullptr;
}

}  // namespace espalier
