// Matrix units (VK_KHR_cooperative_matrix): which product a device offers, and the features that it
// must be made with to run it. Stands in for what Vulkan's headers before 1.3.255 lack.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/backend/vulkan/functions.h"

namespace espalier::vulkan {

// Of one subgroup: f16 (m, k) times f16 (k, n), summed in f32. All 0: the device has none.
struct CooperativeShape {
  uint32_t m = 0, n = 0, k = 0;
  bool present() const { return m > 0; }
};

inline constexpr std::array kCooperativeExtensions = {"VK_KHR_cooperative_matrix",
                                                      VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME};

// The features that gemm_cooperative.comp uses: as pNext of a query, what the device has of them;
// of a device to be made, all of them.
class CooperativeFeatures {
 public:
  explicit CooperativeFeatures(bool wanted);
  CooperativeFeatures(const CooperativeFeatures&) = delete;  // the chain points into it
  CooperativeFeatures& operator=(const CooperativeFeatures&) = delete;

  void* chain() { return &vulkan12_; }
  bool all() const;

 private:
  struct Matrices {  // VkPhysicalDeviceCooperativeMatrixFeaturesKHR
    VkStructureType type;
    void* next;
    VkBool32 cooperative_matrix;
    VkBool32 robust_buffer_access;
  };

  VkPhysicalDeviceVulkan12Features vulkan12_ = {};
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size_ = {};
  Matrices matrices_ = {};
};

// The largest shape of a device whose subgroups can be held to `subgroup_size` and whose matrices
// fit the shader: n a multiple of 4, k one that divides `depth`. `api_version`: the device's.
CooperativeShape FindCooperativeShape(const Functions& functions, VkPhysicalDevice device,
                                      uint32_t api_version, uint32_t subgroup_size, uint32_t depth);

}  // namespace espalier::vulkan
