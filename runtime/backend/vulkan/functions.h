// Vulkan's functions, found at run time: the program starts without a Vulkan loader.
#pragma once

#include <vulkan/vulkan_core.h>

#include <string>

#include "runtime/base/status.h"

namespace espalier::vulkan {

// VkCooperativeMatrixPropertiesKHR: what a product takes and gives, as numbers of Vulkan's
// enumerations.
struct CooperativeProperties {
  VkStructureType type;
  void* next;
  uint32_t m, n, k;
  int32_t a_type, b_type, c_type, result_type;
  VkBool32 saturates;
  int32_t scope;
};
using PFN_vkGetPhysicalDeviceCooperativeMatrixProperties =
    VkResult(VKAPI_PTR*)(VkPhysicalDevice, uint32_t*, CooperativeProperties*);

// One pointer per line of functions.inc, named as Vulkan names it without the "vk". Tests replace
// single pointers to make a call fail.
struct Functions {
  PFN_vkGetInstanceProcAddr GetInstanceProcAddr = nullptr;
#define ESP_VK_GLOBAL(name) PFN_vk##name name = nullptr;
#define ESP_VK_INSTANCE(name) PFN_vk##name name = nullptr;
#define ESP_VK_DEVICE(name) PFN_vk##name name = nullptr;
#include "runtime/backend/vulkan/functions.inc"
#undef ESP_VK_GLOBAL
#undef ESP_VK_INSTANCE
#undef ESP_VK_DEVICE
  // Of an extension: null where the driver lacks it.
  PFN_vkGetPhysicalDeviceCooperativeMatrixProperties
      GetPhysicalDeviceCooperativeMatrixPropertiesKHR = nullptr;
};

// Opens the loader `library` and fills the global functions. The library stays open until the
// process ends: drivers do not survive being unloaded. Errors: kUnsupported.
Status LoadGlobalFunctions(const std::string& library, Functions* functions);
Status LoadInstanceFunctions(VkInstance instance, Functions* functions);
Status LoadDeviceFunctions(VkDevice device, Functions* functions);

// "VK_ERROR_DEVICE_LOST", or the number of a result without a name here.
std::string ResultName(VkResult result);

// kDeviceLost, kExhausted (either memory) or kInternal with "what: VK_ERROR_...".
Status ResultStatus(VkResult result, const std::string& what);

}  // namespace espalier::vulkan

// Returns from the enclosing function when a Vulkan call fails.
#define ESP_VK_RETURN_IF_ERROR(expr, what)                                  \
  do {                                                                      \
    if (const VkResult esp_vk_result = (expr); esp_vk_result != VK_SUCCESS) \
      return ::espalier::vulkan::ResultStatus(esp_vk_result, what);         \
  } while (false)
