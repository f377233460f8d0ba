#include "runtime/backend/vulkan/transfer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace espalier::vulkan {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

}  // namespace

Result<std::unique_ptr<Transfer>> Transfer::Create(Device* device, MemoryPool* pool) {
  std::unique_ptr<Transfer> transfer(new Transfer(device, pool));  // NOLINT: private
  for (size_t i = 0; i < transfer->pieces_.size(); ++i) {
    transfer->pieces_[i].begin = i * kPieceBytes;
    ESP_RETURN_IF_ERROR(transfer->MakePiece(&transfer->pieces_[i]));
  }
  return transfer;
}

Transfer::~Transfer() {
  for (const Piece& piece : pieces_) {
    device_.Destroy(device_.functions().DestroyFence, piece.fence);
    device_.Destroy(device_.functions().DestroyCommandPool, piece.pool);
  }
}

Status Transfer::MakePiece(Piece* piece) {
  ESP_ASSIGN_OR_RETURN(piece->pool, device_.MakeCommandPool());
  ESP_ASSIGN_OR_RETURN(piece->fence, device_.MakeFence());
  VkCommandBufferAllocateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  info.commandPool = piece->pool;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  ESP_VK_RETURN_IF_ERROR(
      device_.functions().AllocateCommandBuffers(device_.handle(), &info, &piece->commands),
      "command buffer");
  return OkStatus();
}

Status Transfer::PrepareStaging() {
  if (staging_.buffer() != VK_NULL_HANDLE) return OkStatus();
  ESP_ASSIGN_OR_RETURN(staging_, pool_.Allocate(pieces_.size() * kPieceBytes, MemoryUse::kHost));
  return OkStatus();
}

Status Transfer::Finish(Piece* piece) {
  if (!std::exchange(piece->is_busy, false)) return OkStatus();
  ESP_RETURN_IF_ERROR(device_.Wait(piece->fence));
  std::copy_n(staging_.host() + piece->begin, piece->wanted.size(), piece->wanted.begin());
  return OkStatus();
}

// Also after an error: what was submitted is waited for before its memory is used again.
Status Transfer::FinishAll() {
  Status first;
  for (Piece& piece : pieces_) {
    const Status status = Finish(&piece);
    if (first.ok()) first = status;
  }
  return first;
}

template <typename RecordFunction>
Status Transfer::Submit(Piece* piece, const RecordFunction& record) {
  const Functions& vk = device_.functions();
  const VkCommandBuffer buffer = piece->commands;
  ESP_VK_RETURN_IF_ERROR(vk.ResetCommandPool(device_.handle(), piece->pool, 0), "command pool");
  VkCommandBufferBeginInfo begin = {};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  ESP_VK_RETURN_IF_ERROR(vk.BeginCommandBuffer(buffer, &begin), "command buffer");
  // Shaders of earlier submits before the copy; the copy before shaders of later ones and the host.
  VkMemoryBarrier barrier = {};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  vk.CmdPipelineBarrier(buffer,
                        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
  record(buffer);
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_HOST_READ_BIT;
  vk.CmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT,
                        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                        &barrier, 0, nullptr, 0, nullptr);
  ESP_VK_RETURN_IF_ERROR(vk.EndCommandBuffer(buffer), "command buffer");
  ++device_.counters().transfers;
  ESP_RETURN_IF_ERROR(device_.Submit(buffer, piece->fence));
  piece->is_busy = true;
  return OkStatus();
}

Status Transfer::Write(const Allocation& to, size_t offset_bytes,
                       std::span<const std::byte> bytes) {
  device_.counters().written_bytes += static_cast<int64_t>(bytes.size());
  if (to.host() != nullptr) {
    std::copy(bytes.begin(), bytes.end(), to.host() + offset_bytes);
    return OkStatus();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  const Status status = WriteStaged(to, offset_bytes, bytes);
  const Status finished = FinishAll();
  return status.ok() ? finished : status;
}

Status Transfer::WriteStaged(const Allocation& to, size_t offset_bytes,
                             std::span<const std::byte> bytes) {
  ESP_RETURN_IF_ERROR(PrepareStaging());
  for (size_t done = 0; done < bytes.size(); done += kPieceBytes) {
    Piece& piece = pieces_[done / kPieceBytes % pieces_.size()];
    ESP_RETURN_IF_ERROR(Finish(&piece));
    piece.wanted = {};
    const auto part = bytes.subspan(done, std::min(kPieceBytes, bytes.size() - done));
    std::copy(part.begin(), part.end(), staging_.host() + piece.begin);
    const VkBufferCopy copy = {.srcOffset = staging_.offset() + piece.begin,
                               .dstOffset = to.offset() + offset_bytes + done,
                               .size = part.size()};
    ESP_RETURN_IF_ERROR(Submit(&piece, [&](VkCommandBuffer commands) {
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
  const Status status = ReadStaged(from, offset_bytes, bytes);
  const Status finished = FinishAll();
  return status.ok() ? finished : status;
}

Status Transfer::ReadStaged(const Allocation& from, size_t offset_bytes,
                            std::span<std::byte> bytes) {
  ESP_RETURN_IF_ERROR(PrepareStaging());
  for (size_t done = 0; done < bytes.size(); done += kPieceBytes) {
    Piece& piece = pieces_[done / kPieceBytes % pieces_.size()];
    ESP_RETURN_IF_ERROR(Finish(&piece));
    piece.wanted = bytes.subspan(done, std::min(kPieceBytes, bytes.size() - done));
    const VkBufferCopy copy = {.srcOffset = from.offset() + offset_bytes + done,
                               .dstOffset = staging_.offset() + piece.begin,
                               .size = piece.wanted.size()};
    ESP_RETURN_IF_ERROR(Submit(&piece, [&](VkCommandBuffer commands) {
      device_.functions().CmdCopyBuffer(commands, from.buffer(), staging_.buffer(), 1, &copy);
    }));
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
  pieces_[0].wanted = {};
  ESP_RETURN_IF_ERROR(Submit(&pieces_[0], [&](VkCommandBuffer commands) {
    device_.functions().CmdFillBuffer(commands, allocation.buffer(), allocation.offset(), size, 0);
  }));
  return Finish(&pieces_[0]);
}

}  // namespace espalier::vulkan
