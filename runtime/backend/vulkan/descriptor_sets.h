// The descriptor sets of one state: written once when buffers are bound, equal ones shared.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "runtime/backend/vulkan/pipelines.h"

namespace espalier::vulkan {

// Bytes of a buffer as a descriptor names them: the tensor's, never a whole arena, so that
// validation sees its borders.
struct BufferRange {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceSize offset = 0;
  VkDeviceSize size = 0;

  friend auto operator<=>(const BufferRange&, const BufferRange&) = default;
};
using SetContents = std::array<BufferRange, kBindingCount>;

// One thread at a time.
class DescriptorSets {
 public:
  // Makes a set for each different element of `contents`. Errors: kExhausted.
  static Result<std::unique_ptr<DescriptorSets>> Create(Device* device, const Pipelines& pipelines,
                                                        const std::vector<SetContents>& contents);
  ~DescriptorSets();
  DescriptorSets(const DescriptorSets&) = delete;
  DescriptorSets& operator=(const DescriptorSets&) = delete;

  // `contents` was given to Create.
  VkDescriptorSet Find(const SetContents& contents) const { return sets_.at(contents); }

 private:
  explicit DescriptorSets(Device* device) : device_(*device) {}
  Status Allocate(VkDescriptorSetLayout layout);
  void Write(const SetContents& contents, VkDescriptorSet set);

  Device& device_;
  VkDescriptorPool pool_ = VK_NULL_HANDLE;
  std::map<SetContents, VkDescriptorSet> sets_;
};

}  // namespace espalier::vulkan
