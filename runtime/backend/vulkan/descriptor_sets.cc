#include "runtime/backend/vulkan/descriptor_sets.h"

#include <algorithm>

namespace espalier::vulkan {

Result<std::unique_ptr<DescriptorSets>> DescriptorSets::Create(
    Device* device, const Pipelines& pipelines, const std::vector<SetContents>& contents) {
  std::unique_ptr<DescriptorSets> sets(new DescriptorSets(device));  // NOLINT: private
  for (const SetContents& each : contents) sets->sets_[each] = VK_NULL_HANDLE;
  if (!sets->sets_.empty()) ESP_RETURN_IF_ERROR(sets->Allocate(pipelines.set_layout()));
  for (const auto& [each, set] : sets->sets_) sets->Write(each, set);
  return sets;
}

DescriptorSets::~DescriptorSets() {
  device_.Destroy(device_.functions().DestroyDescriptorPool, pool_);
}

Status DescriptorSets::Allocate(VkDescriptorSetLayout layout) {
  const Functions& vk = device_.functions();
  const auto count = static_cast<uint32_t>(sets_.size());
  const VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                     .descriptorCount = count * kBindingCount};
  VkDescriptorPoolCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
  info.maxSets = count;
  info.poolSizeCount = 1;
  info.pPoolSizes = &size;
  ESP_VK_RETURN_IF_ERROR(vk.CreateDescriptorPool(device_.handle(), &info, nullptr, &pool_),
                         "descriptor pool");
  const std::vector<VkDescriptorSetLayout> layouts(count, layout);
  std::vector<VkDescriptorSet> handles(count);
  VkDescriptorSetAllocateInfo allocate = {};
  allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
  allocate.descriptorPool = pool_;
  allocate.descriptorSetCount = count;
  allocate.pSetLayouts = layouts.data();
  ESP_VK_RETURN_IF_ERROR(vk.AllocateDescriptorSets(device_.handle(), &allocate, handles.data()),
                         "descriptor sets");
  size_t next = 0;
  for (auto& [contents, set] : sets_) set = handles[next++];
  return OkStatus();
}

void DescriptorSets::Write(const SetContents& contents, VkDescriptorSet set) {
  std::array<VkDescriptorBufferInfo, kBindingCount> buffers = {};
  std::array<VkWriteDescriptorSet, kBindingCount> writes = {};
  for (uint32_t i = 0; i < kBindingCount; ++i) {
    buffers[i] = {contents[i].buffer, contents[i].offset, contents[i].size};
    writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    writes[i].dstSet = set;
    writes[i].dstBinding = i;
    writes[i].descriptorCount = 1;
    writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    writes[i].pBufferInfo = &buffers[i];
  }
  device_.functions().UpdateDescriptorSets(device_.handle(), kBindingCount, writes.data(), 0,
                                           nullptr);
  ++device_.counters().descriptor_writes;
}

}  // namespace espalier::vulkan
