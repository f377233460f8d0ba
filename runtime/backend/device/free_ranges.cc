#include "runtime/backend/device/free_ranges.h"

#include <iterator>

namespace espalier {

std::optional<size_t> FreeRanges::Take(size_t size_bytes) {
  for (auto range = free_.begin(); range != free_.end(); ++range) {
    const auto [offset, free_bytes] = *range;
    if (free_bytes < size_bytes) continue;
    free_.erase(range);
    if (free_bytes > size_bytes) free_[offset + size_bytes] = free_bytes - size_bytes;
    return offset;
  }
  return std::nullopt;
}

void FreeRanges::Put(size_t offset, size_t size_bytes) {
  auto next = free_.lower_bound(offset);
  if (next != free_.end() && next->first == offset + size_bytes) {
    size_bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += size_bytes;
      return;
    }
  }
  free_[offset] = size_bytes;
}

}  // namespace espalier
