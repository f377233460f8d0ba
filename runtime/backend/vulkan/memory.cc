#include "runtime/backend/vulkan/memory.h"

#include <algorithm>

#include "runtime/base/string_format.h"

namespace espalier::vulkan {
namespace {

constexpr VkDeviceSize kBlockBytes = VkDeviceSize{32} << 20;
constexpr VkDeviceSize kHostBlockBytes = VkDeviceSize{1} << 20;

VkDeviceSize RoundUp(VkDeviceSize size) {
  const VkDeviceSize unit = MemoryPool::kAlignment;
  return std::max((size + unit - 1) / unit * unit, unit);
}

}  // namespace

Allocation& Allocation::operator=(Allocation&& other) noexcept {
  if (this == &other) return *this;
  Free();
  pool_ = std::exchange(other.pool_, nullptr);
  block_ = other.block_;
  use_ = other.use_;
  buffer_ = other.buffer_;
  offset_ = other.offset_;
  size_bytes_ = other.size_bytes_;
  host_ = other.host_;
  return *this;
}

void Allocation::Free() {
  if (pool_ != nullptr) pool_->Free(*this);
  pool_ = nullptr;
}

MemoryPool::~MemoryPool() {
  for (Block& block : blocks_) DestroyBlock(block);
}

int MemoryPool::FindMemoryType(uint32_t allowed, MemoryUse use) const {
  constexpr VkMemoryPropertyFlags kMapped =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  // Best first. Memory that is both local and cached is the host's own: nothing need be staged.
  const std::array<VkMemoryPropertyFlags, 3> wanted =
      use == MemoryUse::kDevice
          ? std::array<VkMemoryPropertyFlags, 3>{kLocal | kMapped | kCached, kLocal, 0}
          : std::array<VkMemoryPropertyFlags, 3>{kMapped | kCached, kMapped, kMapped};
  const VkPhysicalDeviceMemoryProperties& memory = device_.physical().memory;
  for (const VkMemoryPropertyFlags flags : wanted) {
    for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
      const bool is_allowed = (allowed >> i & 1u) != 0;
      if (is_allowed && (memory.memoryTypes[i].propertyFlags & flags) == flags) {
        return static_cast<int>(i);
      }
    }
  }
  return -1;
}

Result<MemoryPool::Block> MemoryPool::MakeBlock(VkDeviceSize size_bytes, MemoryUse use) {
  const Functions& vk = device_.functions();
  Block block;
  block.use = use;
  VkBufferCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.size = size_bytes;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
  info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  ESP_VK_RETURN_IF_ERROR(vk.CreateBuffer(device_.handle(), &info, nullptr, &block.buffer),
                         "buffer");
  VkMemoryRequirements needs = {};
  vk.GetBufferMemoryRequirements(device_.handle(), block.buffer, &needs);
  const int type = FindMemoryType(needs.memoryTypeBits, use);
  VkMemoryAllocateInfo allocate = {};
  allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  allocate.allocationSize = needs.size;
  allocate.memoryTypeIndex = static_cast<uint32_t>(std::max(type, 0));
  VkResult result = type < 0
                        ? VK_ERROR_OUT_OF_DEVICE_MEMORY
                        : vk.AllocateMemory(device_.handle(), &allocate, nullptr, &block.memory);
  if (result == VK_SUCCESS) {
    result = vk.BindBufferMemory(device_.handle(), block.buffer, block.memory, 0);
  }
  const bool can_map = type >= 0 && (device_.physical().memory.memoryTypes[type].propertyFlags &
                                     VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0;
  if (result == VK_SUCCESS && can_map && !(separate_ && use == MemoryUse::kDevice)) {
    void* host = nullptr;
    result = vk.MapMemory(device_.handle(), block.memory, 0, VK_WHOLE_SIZE, 0, &host);
    block.host = static_cast<std::byte*>(host);
  }
  if (result != VK_SUCCESS) {
    DestroyBlock(block);
    return ResultStatus(
        result, StrFormat("%s: %lld bytes of device memory (%lld in use)",
                          device_.physical().name.c_str(), static_cast<long long>(size_bytes),
                          static_cast<long long>(device_.counters().memory_bytes)));
  }
  block.free = FreeRanges(size_bytes);
  block.size_bytes = size_bytes;
  device_.counters().reserved_bytes += static_cast<int64_t>(size_bytes);
  return block;
}

void MemoryPool::DestroyBlock(Block& block) {
  const Functions& vk = device_.functions();
  device_.Destroy(vk.DestroyBuffer, block.buffer);
  device_.Destroy(vk.FreeMemory, block.memory);
  device_.counters().reserved_bytes -= static_cast<int64_t>(block.size_bytes);
  block = {};
}

bool MemoryPool::Take(Block& block, size_t index, VkDeviceSize size_bytes, Allocation* allocation) {
  const std::optional<size_t> offset = block.free.Take(size_bytes);
  if (!offset) return false;
  allocation->pool_ = this;
  allocation->block_ = index;
  allocation->use_ = block.use;
  allocation->buffer_ = block.buffer;
  allocation->offset_ = *offset;
  allocation->host_ = block.host == nullptr ? nullptr : block.host + *offset;
  return true;
}

Result<Allocation> MemoryPool::Allocate(size_t size_bytes, MemoryUse use) {
  const VkDeviceSize rounded = RoundUp(size_bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  Allocation allocation;
  size_t spare = blocks_.size();
  bool found = false;
  for (size_t i = 0; i < blocks_.size() && !found; ++i) {
    Block& block = blocks_[i];
    if (block.buffer == VK_NULL_HANDLE) {
      spare = i;
    } else if (block.use == use) {
      found = Take(block, i, rounded, &allocation);
    }
  }
  if (!found) {
    const VkDeviceSize block_bytes = use == MemoryUse::kDevice ? kBlockBytes : kHostBlockBytes;
    ESP_ASSIGN_OR_RETURN(Block block, MakeBlock(std::max(rounded, block_bytes), use));
    if (spare == blocks_.size()) blocks_.emplace_back();
    blocks_[spare] = std::move(block);
    Take(blocks_[spare], spare, rounded, &allocation);
  }
  allocation.size_bytes_ = size_bytes;
  device_.counters().memory_bytes += static_cast<int64_t>(rounded);
  return allocation;
}

void MemoryPool::Free(const Allocation& allocation) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Block& block = blocks_[allocation.block_];
  const VkDeviceSize size_bytes = RoundUp(allocation.size_bytes_);
  device_.counters().memory_bytes -= static_cast<int64_t>(size_bytes);
  block.free.Put(allocation.offset_, size_bytes);
  if (block.free.all_free()) DestroyBlock(block);
}

}  // namespace espalier::vulkan
