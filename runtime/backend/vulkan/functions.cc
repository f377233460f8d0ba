#include "runtime/backend/vulkan/functions.h"

#include <dlfcn.h>

namespace espalier::vulkan {
namespace {

Status Missing(const char* name) {
  return Unsupported(std::string("the Vulkan driver has no vk") + name);
}

}  // namespace

Status LoadGlobalFunctions(const std::string& library, Functions* functions) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return Unsupported("no Vulkan loader (" + library + ") on this machine");
  functions->GetInstanceProcAddr =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(handle, "vkGetInstanceProcAddr"));
  if (functions->GetInstanceProcAddr == nullptr) {
    return Unsupported(library + " is not a Vulkan loader");
  }
#define ESP_VK_GLOBAL(name)                                                                       \
  functions->name =                                                                               \
      reinterpret_cast<PFN_vk##name>(functions->GetInstanceProcAddr(VK_NULL_HANDLE, "vk" #name)); \
  if (functions->name == nullptr) return Missing(#name);
#define ESP_VK_INSTANCE(name)
#define ESP_VK_DEVICE(name)
#include "runtime/backend/vulkan/functions.inc"
#undef ESP_VK_GLOBAL
#undef ESP_VK_INSTANCE
#undef ESP_VK_DEVICE
  return OkStatus();
}

Status LoadInstanceFunctions(VkInstance instance, Functions* functions) {
#define ESP_VK_GLOBAL(name)
#define ESP_VK_INSTANCE(name)                                                               \
  functions->name =                                                                         \
      reinterpret_cast<PFN_vk##name>(functions->GetInstanceProcAddr(instance, "vk" #name)); \
  if (functions->name == nullptr) return Missing(#name);
#define ESP_VK_DEVICE(name)
#include "runtime/backend/vulkan/functions.inc"
#undef ESP_VK_GLOBAL
#undef ESP_VK_INSTANCE
#undef ESP_VK_DEVICE
  functions->GetPhysicalDeviceCooperativeMatrixPropertiesKHR =
      reinterpret_cast<PFN_vkGetPhysicalDeviceCooperativeMatrixProperties>(
          functions->GetInstanceProcAddr(instance,
                                         "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
  return OkStatus();
}

Status LoadDeviceFunctions(VkDevice device, Functions* functions) {
#define ESP_VK_GLOBAL(name)
#define ESP_VK_INSTANCE(name)
#define ESP_VK_DEVICE(name)                                                             \
  functions->name =                                                                     \
      reinterpret_cast<PFN_vk##name>(functions->GetDeviceProcAddr(device, "vk" #name)); \
  if (functions->name == nullptr) return Missing(#name);
#include "runtime/backend/vulkan/functions.inc"
#undef ESP_VK_GLOBAL
#undef ESP_VK_INSTANCE
#undef ESP_VK_DEVICE
  return OkStatus();
}

std::string ResultName(VkResult result) {
  switch (result) {
    case VK_TIMEOUT:
      return "VK_TIMEOUT";
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST:
      return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "VK_ERROR_INCOMPATIBLE_DRIVER";
    default:
      return "VkResult " + std::to_string(static_cast<int>(result));
  }
}

Status ResultStatus(VkResult result, const std::string& what) {
  const std::string message = what + ": " + ResultName(result);
  switch (result) {
    case VK_ERROR_DEVICE_LOST:
      return Status(StatusCode::kDeviceLost, message);
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return Exhausted(message);
    default:
      return Internal(message);
  }
}

}  // namespace espalier::vulkan
