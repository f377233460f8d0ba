#include "runtime/backend/vulkan/cooperative_matrix.h"

#include <cstring>
#include <vector>

namespace espalier::vulkan {
namespace {

constexpr auto kMatrixFeatures = static_cast<VkStructureType>(1000506000);
constexpr auto kMatrixProperties = static_cast<VkStructureType>(1000506001);
constexpr int32_t kFloat16 = 0, kFloat32 = 1;  // VkComponentTypeKHR
constexpr int32_t kSubgroup = 3;               // VkScopeKHR

bool HasExtensions(const Functions& vk, VkPhysicalDevice device) {
  uint32_t count = 0;
  vk.EnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vk.EnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data());
  size_t found = 0;
  for (const VkExtensionProperties& extension : extensions) {
    for (const char* wanted : kCooperativeExtensions) {
      found += std::strcmp(extension.extensionName, wanted) == 0 ? 1 : 0;
    }
  }
  return found == kCooperativeExtensions.size();
}

// Whether compute shaders can be given subgroups of this size, all of them whole.
bool SubgroupsCanBe(uint32_t size, const Functions& vk, VkPhysicalDevice device) {
  VkPhysicalDeviceSubgroupSizeControlProperties subgroups = {};
  subgroups.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES;
  VkPhysicalDeviceProperties2 all = {};
  all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  all.pNext = &subgroups;
  vk.GetPhysicalDeviceProperties2(device, &all);
  return (subgroups.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
         subgroups.minSubgroupSize <= size && size <= subgroups.maxSubgroupSize;
}

std::vector<CooperativeProperties> PropertiesOf(const Functions& vk, VkPhysicalDevice device) {
  if (vk.GetPhysicalDeviceCooperativeMatrixPropertiesKHR == nullptr) return {};
  uint32_t count = 0;
  vk.GetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, &count, nullptr);
  CooperativeProperties empty = {};
  empty.type = kMatrixProperties;
  std::vector<CooperativeProperties> properties(count, empty);
  vk.GetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, &count, properties.data());
  properties.resize(count);
  return properties;
}

}  // namespace

CooperativeFeatures::CooperativeFeatures(bool wanted) {
  const VkBool32 value = wanted ? VK_TRUE : VK_FALSE;
  vulkan12_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  vulkan12_.pNext = &subgroup_size_;
  vulkan12_.shaderFloat16 = vulkan12_.vulkanMemoryModel = value;
  subgroup_size_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
  subgroup_size_.pNext = &matrices_;
  subgroup_size_.subgroupSizeControl = subgroup_size_.computeFullSubgroups = value;
  matrices_ = {.type = kMatrixFeatures,
               .next = nullptr,
               .cooperative_matrix = value,
               .robust_buffer_access = VK_FALSE};
}

bool CooperativeFeatures::all() const {
  return vulkan12_.shaderFloat16 != VK_FALSE && vulkan12_.vulkanMemoryModel != VK_FALSE &&
         subgroup_size_.subgroupSizeControl != VK_FALSE &&
         subgroup_size_.computeFullSubgroups != VK_FALSE &&
         matrices_.cooperative_matrix != VK_FALSE;
}

CooperativeShape FindCooperativeShape(const Functions& functions, VkPhysicalDevice device,
                                      uint32_t api_version, uint32_t subgroup_size,
                                      uint32_t depth) {
  if (api_version < VK_API_VERSION_1_2 || !HasExtensions(functions, device)) return {};
  CooperativeFeatures has(/*wanted=*/false);
  VkPhysicalDeviceFeatures2 query = {};
  query.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  query.pNext = has.chain();
  functions.GetPhysicalDeviceFeatures2(device, &query);
  if (!has.all() || !SubgroupsCanBe(subgroup_size, functions, device)) return {};
  CooperativeShape best;
  for (const CooperativeProperties& p : PropertiesOf(functions, device)) {
    const bool types = p.a_type == kFloat16 && p.b_type == kFloat16 && p.c_type == kFloat32 &&
                       p.result_type == kFloat32 && p.scope == kSubgroup;
    const bool fits = p.m > 0 && p.n > 0 && p.n % 4 == 0 && p.k > 0 && depth % p.k == 0;
    if (types && fits && p.m * p.n * p.k > best.m * best.n * best.k) best = {p.m, p.n, p.k};
  }
  return best;
}

}  // namespace espalier::vulkan
