#include "runtime/backend/cuda/library/memory.h"

#include <algorithm>
#include <utility>

#include "runtime/base/string_format.h"

namespace espalier::cuda {
namespace {

constexpr size_t kAlignment = 256;  // what cudaMalloc gives

size_t RoundUp(size_t size_bytes) {
  return std::max(kAlignment, (size_bytes + kAlignment - 1) / kAlignment * kAlignment);
}

}  // namespace

Allocation& Allocation::operator=(Allocation&& other) noexcept {
  if (this == &other) return *this;
  Free();
  pool_ = std::exchange(other.pool_, nullptr);
  block_ = other.block_;
  data_ = std::exchange(other.data_, nullptr);
  size_bytes_ = std::exchange(other.size_bytes_, 0);
  return *this;
}

void Allocation::Free() {
  if (pool_ != nullptr) pool_->Free(*this);
  pool_ = nullptr;
}

MemoryPool::~MemoryPool() {
  for (Block& block : blocks_) DestroyBlock(&block);
}

void MemoryPool::DestroyBlock(Block* block) {
  if (block->data != nullptr) device_.functions().Free(block->data);
  device_.counters().reserved_bytes -= static_cast<int64_t>(block->size_bytes);
  *block = {};
}

Status MemoryPool::MakeBlock(size_t size_bytes, Block* block) {
  ESP_RETURN_IF_ERROR(device_.Use());
  void* data = nullptr;
  ESP_RETURN_IF_ERROR(device_.Check(device_.functions().Malloc(&data, size_bytes),
                                    StrFormat("%zu bytes of device memory", size_bytes).c_str()));
  block->data = static_cast<std::byte*>(data);
  block->size_bytes = size_bytes;
  device_.counters().reserved_bytes += static_cast<int64_t>(size_bytes);
  block->free = FreeRanges(size_bytes);
  return OkStatus();
}

bool MemoryPool::Take(size_t index, size_t size_bytes, Allocation* allocation) {
  Block& block = blocks_[index];
  const std::optional<size_t> offset = block.free.Take(size_bytes);
  if (!offset) return false;
  allocation->pool_ = this;
  allocation->block_ = index;
  allocation->data_ = block.data + *offset;
  return true;
}

Result<Allocation> MemoryPool::Allocate(size_t size_bytes) {
  const size_t rounded = RoundUp(size_bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  Allocation allocation;
  size_t spare = blocks_.size();
  bool found = false;
  for (size_t i = 0; i < blocks_.size() && !found; ++i) {
    if (blocks_[i].data == nullptr) {
      spare = i;
    } else {
      found = Take(i, rounded, &allocation);
    }
  }
  if (!found) {
    Block block;
    ESP_RETURN_IF_ERROR(MakeBlock(std::max(rounded, block_bytes_), &block));
    if (spare == blocks_.size()) blocks_.emplace_back();
    blocks_[spare] = std::move(block);
    Take(spare, rounded, &allocation);
  }
  allocation.size_bytes_ = size_bytes;
  device_.counters().memory_bytes += static_cast<int64_t>(rounded);
  return allocation;
}

void MemoryPool::Free(const Allocation& allocation) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Block& block = blocks_[allocation.block_];
  const size_t size_bytes = RoundUp(allocation.size_bytes_);
  device_.counters().memory_bytes -= static_cast<int64_t>(size_bytes);
  block.free.Put(static_cast<size_t>(allocation.data_ - block.data), size_bytes);
  if (block.free.all_free()) DestroyBlock(&block);
}

}  // namespace espalier::cuda
