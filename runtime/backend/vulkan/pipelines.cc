#include "runtime/backend/vulkan/pipelines.h"

#include <array>

#include "runtime/backend/vulkan/cache_file.h"

namespace espalier::vulkan {

Result<std::unique_ptr<Pipelines>> Pipelines::Create(Device* device,
                                                     const std::string& cache_folder) {
  std::unique_ptr<Pipelines> pipelines(new Pipelines(device));  // NOLINT: private
  if (!cache_folder.empty()) {
    pipelines->cache_path_ = cache_folder + "/" + CacheFileName(device->physical());
  }
  ESP_RETURN_IF_ERROR(pipelines->CreateLayouts());
  ESP_RETURN_IF_ERROR(pipelines->CreateCache());
  return pipelines;
}

Pipelines::~Pipelines() {
  const Functions& vk = device_.functions();
  SaveCache();
  for (const auto& [key, pipeline] : pipelines_) {
    device_.Destroy(vk.DestroyPipeline, pipeline);
  }
  device_.Destroy(vk.DestroyPipelineCache, cache_);
  device_.Destroy(vk.DestroyPipelineLayout, layout_);
  device_.Destroy(vk.DestroyDescriptorSetLayout, set_layout_);
}

Status Pipelines::CreateLayouts() {
  const Functions& vk = device_.functions();
  std::array<VkDescriptorSetLayoutBinding, kBindingCount> bindings = {};
  for (uint32_t i = 0; i < kBindingCount; ++i) {
    bindings[i].binding = i;
    bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    bindings[i].descriptorCount = 1;
    bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  }
  VkDescriptorSetLayoutCreateInfo set = {};
  set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
  set.bindingCount = kBindingCount;
  set.pBindings = bindings.data();
  ESP_VK_RETURN_IF_ERROR(
      vk.CreateDescriptorSetLayout(device_.handle(), &set, nullptr, &set_layout_),
      "descriptor set layout");
  const VkPushConstantRange range = {
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .offset = 0, .size = kPushConstantBytes};
  VkPipelineLayoutCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  info.setLayoutCount = 1;
  info.pSetLayouts = &set_layout_;
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &range;
  ESP_VK_RETURN_IF_ERROR(vk.CreatePipelineLayout(device_.handle(), &info, nullptr, &layout_),
                         "pipeline layout");
  return OkStatus();
}

Status Pipelines::CreateCache() {
  const std::string data = cache_path_.empty() ? "" : ReadCacheFile(cache_path_);
  loaded_bytes_ = data.size();
  VkPipelineCacheCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  ESP_VK_RETURN_IF_ERROR(
      device_.functions().CreatePipelineCache(device_.handle(), &info, nullptr, &cache_),
      "pipeline cache");
  return OkStatus();
}

void Pipelines::SaveCache() {
  if (cache_path_.empty() || cache_ == VK_NULL_HANDLE || pipelines_.empty() || device_.lost()) {
    return;
  }
  const Functions& vk = device_.functions();
  size_t size = 0;
  if (vk.GetPipelineCacheData(device_.handle(), cache_, &size, nullptr) != VK_SUCCESS) return;
  std::string data(size, '\0');
  if (size == loaded_bytes_ ||
      vk.GetPipelineCacheData(device_.handle(), cache_, &size, data.data()) != VK_SUCCESS) {
    return;
  }
  WriteCacheFile(cache_path_, data);
}

Result<VkPipeline> Pipelines::Get(Shader shader, const std::vector<uint32_t>& constants) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = pipelines_.find({shader, constants});
  if (found != pipelines_.end()) return found->second;
  ESP_ASSIGN_OR_RETURN(const VkPipeline pipeline, Make(shader, constants));
  pipelines_[{shader, constants}] = pipeline;
  ++device_.counters().pipelines;
  return pipeline;
}

Result<VkPipeline> Pipelines::Make(Shader shader, const std::vector<uint32_t>& constants) {
  const Functions& vk = device_.functions();
  const std::string what = std::string("shader ") + ShaderName(shader);
  VkShaderModuleCreateInfo code = {};
  code.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  code.codeSize = ShaderCode(shader).size_bytes();
  code.pCode = ShaderCode(shader).data();
  VkShaderModule module = VK_NULL_HANDLE;
  ESP_VK_RETURN_IF_ERROR(vk.CreateShaderModule(device_.handle(), &code, nullptr, &module), what);

  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < constants.size(); ++i) {
    entries.push_back({.constantID = i, .offset = i * 4, .size = 4});
  }
  const VkSpecializationInfo specialization = {
      .mapEntryCount = static_cast<uint32_t>(entries.size()),
      .pMapEntries = entries.data(),
      .dataSize = constants.size() * sizeof(uint32_t),
      .pData = constants.data()};
  // A cooperative matrix is spread over a subgroup: its size must be the one that the shape is for.
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {};
  subgroup.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
  subgroup.requiredSubgroupSize = device_.physical().subgroup_size;
  VkComputePipelineCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &specialization;
  if (shader == Shader::kGemmCooperative) {
    info.stage.pNext = &subgroup;
    info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  info.layout = layout_;
  VkPipeline pipeline = VK_NULL_HANDLE;
  const VkResult result =
      vk.CreateComputePipelines(device_.handle(), cache_, 1, &info, nullptr, &pipeline);
  device_.Destroy(vk.DestroyShaderModule, module);
  ESP_VK_RETURN_IF_ERROR(result, what);
  return pipeline;
}

}  // namespace espalier::vulkan
