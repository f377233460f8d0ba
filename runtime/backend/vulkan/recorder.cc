#include "runtime/backend/vulkan/recorder.h"

namespace espalier::vulkan {

Result<std::unique_ptr<Recorder>> Recorder::Create(Device* device, const Pipelines& pipelines) {
  std::unique_ptr<Recorder> recorder(new Recorder(device, pipelines));  // NOLINT: private
  ESP_ASSIGN_OR_RETURN(recorder->pool_, device->MakeCommandPool());
  return recorder;
}

Recorder::~Recorder() { device_.Destroy(device_.functions().DestroyCommandPool, pool_); }

void Recorder::Barrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkPipelineStageFlags to,
                       VkAccessFlags access) {
  VkMemoryBarrier barrier = {};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  if ((from & VK_PIPELINE_STAGE_TRANSFER_BIT) != 0) {
    barrier.srcAccessMask |= VK_ACCESS_TRANSFER_WRITE_BIT;
  }
  barrier.dstAccessMask = access;
  device_.functions().CmdPipelineBarrier(commands, from, to, 0, 1, &barrier, 0, nullptr, 0,
                                         nullptr);
}

Result<VkCommandBuffer> Recorder::Begin() {
  const Functions& vk = device_.functions();
  VkCommandBufferAllocateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  info.commandPool = pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  ESP_VK_RETURN_IF_ERROR(vk.AllocateCommandBuffers(device_.handle(), &info, &commands),
                         "command buffer");
  VkCommandBufferBeginInfo begin = {};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  ESP_VK_RETURN_IF_ERROR(vk.BeginCommandBuffer(commands, &begin), "command buffer");
  // What earlier submits wrote, other plans' and staged copies included.
  Barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
          VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
          VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
  return commands;
}

Status Recorder::End(VkCommandBuffer commands) {
  // The host reads results straight from memory once the fence is signalled.
  Barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT,
          VK_ACCESS_HOST_READ_BIT);
  ESP_VK_RETURN_IF_ERROR(device_.functions().EndCommandBuffer(commands), "command buffer");
  ++device_.counters().command_buffers;
  return OkStatus();
}

Result<std::vector<VkCommandBuffer>> Recorder::Record(const Program& program,
                                                      const std::vector<SetContents>& contents,
                                                      const DescriptorSets& sets,
                                                      const RunParameters& parameters) {
  const Functions& vk = device_.functions();
  std::vector<VkCommandBuffer> segments;
  VkDeviceSize groups_at = parameters.groups_offset;
  for (size_t i = 0; i < program.dispatches.size(); ++i) {
    const Dispatch& dispatch = program.dispatches[i];
    if (dispatch.begins_segment) {
      if (!segments.empty()) ESP_RETURN_IF_ERROR(End(segments.back()));
      ESP_ASSIGN_OR_RETURN(const VkCommandBuffer next, Begin());
      segments.push_back(next);
    }
    const VkCommandBuffer commands = segments.back();
    if (dispatch.barrier_before) {
      Barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
              VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    }
    const VkDescriptorSet set = sets.Find(contents[i]);
    vk.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, dispatch.pipeline);
    vk.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines_.layout(), 0, 1,
                             &set, 0, nullptr);
    vk.CmdPushConstants(commands, pipelines_.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                        dispatch.params_bytes, dispatch.params.data());
    if (dispatch.depends_on_lengths()) {
      vk.CmdDispatchIndirect(commands, parameters.buffer, groups_at);
      groups_at += sizeof(VkDispatchIndirectCommand);
    } else {
      vk.CmdDispatch(commands, dispatch.grid[0].Groups({}), dispatch.grid[1].Groups({}),
                     dispatch.grid[2].Groups({}));
    }
  }
  if (!segments.empty()) ESP_RETURN_IF_ERROR(End(segments.back()));
  return segments;
}

}  // namespace espalier::vulkan
