#include "runtime/backend/vulkan/transfer.h"

#include <algorithm>
#include <cstring>

namespace espalier::vulkan {
namespace {

constexpr size_t kStagingBytes = size_t{4} << 20;

}  // namespace

Result<std::unique_ptr<Transfer>> Transfer::Create(Device* device, MemoryPool* pool) {
  std::unique_ptr<Transfer> transfer(new Transfer(device, pool));  // NOLINT: private
  ESP_ASSIGN_OR_RETURN(transfer->commands_, device->MakeCommandPool());
  ESP_ASSIGN_OR_RETURN(transfer->fence_, device->MakeFence());
  VkCommandBufferAllocateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  info.commandPool = transfer->commands_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  ESP_VK_RETURN_IF_ERROR(
      device->functions().AllocateCommandBuffers(device->handle(), &info, &transfer->buffer_),
      "command buffer");
  return transfer;
}

Transfer::~Transfer() {
  const Functions& vk = device_.functions();
  device_.Destroy(vk.DestroyFence, fence_);
  device_.Destroy(vk.DestroyCommandPool, commands_);
}

Status Transfer::PrepareStaging() {
  if (staging_.buffer() != VK_NULL_HANDLE) return OkStatus();
  ESP_ASSIGN_OR_RETURN(staging_, pool_.Allocate(kStagingBytes, MemoryUse::kHost));
  return OkStatus();
}

template <typename RecordFunction>
Status Transfer::Submit(const RecordFunction& record) {
  const Functions& vk = device_.functions();
  ESP_VK_RETURN_IF_ERROR(vk.ResetCommandPool(device_.handle(), commands_, 0), "command pool");
  VkCommandBufferBeginInfo begin = {};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  ESP_VK_RETURN_IF_ERROR(vk.BeginCommandBuffer(buffer_, &begin), "command buffer");
  // Shaders of earlier submits before the copy; the copy before shaders of later ones and the host.
  VkMemoryBarrier barrier = {};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  vk.CmdPipelineBarrier(buffer_,
                        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
  record(buffer_);
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_HOST_READ_BIT;
  vk.CmdPipelineBarrier(buffer_, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                        &barrier, 0, nullptr, 0, nullptr);
  ESP_VK_RETURN_IF_ERROR(vk.EndCommandBuffer(buffer_), "command buffer");
  ++device_.counters().transfers;
  return device_.SubmitAndWait(buffer_, fence_);
}

Status Transfer::Write(const Allocation& to, size_t offset_bytes,
                       std::span<const std::byte> bytes) {
  device_.counters().written_bytes += static_cast<int64_t>(bytes.size());
  if (to.host() != nullptr) {
    std::copy(bytes.begin(), bytes.end(), to.host() + offset_bytes);
    return OkStatus();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ESP_RETURN_IF_ERROR(PrepareStaging());
  for (size_t done = 0; done < bytes.size(); done += kStagingBytes) {
    const auto piece = bytes.subspan(done, std::min(kStagingBytes, bytes.size() - done));
    std::copy(piece.begin(), piece.end(), staging_.host());
    const VkBufferCopy copy = {.srcOffset = staging_.offset(),
                               .dstOffset = to.offset() + offset_bytes + done,
                               .size = piece.size()};
    ESP_RETURN_IF_ERROR(Submit([&](VkCommandBuffer commands) {
      device_.functions().CmdCopyBuffer(commands, staging_.buffer(), to.buffer(), 1, &copy);
    }));
  }
  return OkStatus();
}

Status Transfer::Read(const Allocation& from, size_t offset_bytes, std::span<std::byte> bytes) {
  device_.counters().read_bytes += static_cast<int64_t>(bytes.size());
  if (from.host() != nullptr) {
    std::copy_n(from.host() + offset_bytes, bytes.size(), bytes.begin());
    return OkStatus();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ESP_RETURN_IF_ERROR(PrepareStaging());
  for (size_t done = 0; done < bytes.size(); done += kStagingBytes) {
    const auto piece = bytes.subspan(done, std::min(kStagingBytes, bytes.size() - done));
    const VkBufferCopy copy = {.srcOffset = from.offset() + offset_bytes + done,
                               .dstOffset = staging_.offset(),
                               .size = piece.size()};
    ESP_RETURN_IF_ERROR(Submit([&](VkCommandBuffer commands) {
      device_.functions().CmdCopyBuffer(commands, from.buffer(), staging_.buffer(), 1, &copy);
    }));
    std::copy_n(staging_.host(), piece.size(), piece.begin());
  }
  return OkStatus();
}

Status Transfer::Clear(const Allocation& allocation) {
  if (allocation.host() != nullptr) {
    std::memset(allocation.host(), 0, allocation.size_bytes());
    return OkStatus();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  // Allocations are multiples of 256 bytes inside: filling up to the next word stays within.
  const VkDeviceSize size = (allocation.size_bytes() + 3) / 4 * 4;
  if (size == 0) return OkStatus();
  return Submit([&](VkCommandBuffer commands) {
    device_.functions().CmdFillBuffer(commands, allocation.buffer(), allocation.offset(), size, 0);
  });
}

}  // namespace espalier::vulkan
