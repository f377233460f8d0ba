// Compute pipelines by shader and specialisation constants, with the one layout that all share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/backend/vulkan/device.h"
#include "shaders/spirv.h"

namespace espalier::vulkan {

// Storage buffers of a descriptor set: the lengths, then an op's operands.
inline constexpr uint32_t kBindingCount = 8;
inline constexpr uint32_t kPushConstantBytes = 128;

// Thread-safe. A pipeline is made on first demand and kept.
class Pipelines {
 public:
  // `cache_folder`: "" for no cache on disk.
  static Result<std::unique_ptr<Pipelines>> Create(Device* device, const std::string& cache_folder);
  ~Pipelines();  // writes the cache when it grew
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  VkDescriptorSetLayout set_layout() const { return set_layout_; }
  VkPipelineLayout layout() const { return layout_; }

  // constants[i] is the value of constant_id i. Errors: kExhausted, kInternal.
  Result<VkPipeline> Get(Shader shader, const std::vector<uint32_t>& constants);

 private:
  explicit Pipelines(Device* device) : device_(*device) {}
  Status CreateLayouts();
  Status CreateCache();
  Result<VkPipeline> Make(Shader shader, const std::vector<uint32_t>& constants);
  void SaveCache();

  Device& device_;
  std::string cache_path_;
  size_t loaded_bytes_ = 0;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::mutex mutex_;
  std::map<std::pair<Shader, std::vector<uint32_t>>, VkPipeline> pipelines_;  // guarded by mutex_
};

}  // namespace espalier::vulkan
