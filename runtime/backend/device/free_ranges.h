// Which parts of a memory block are free.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

namespace espalier {

// First fit; neighbours are joined. Not thread-safe.
class FreeRanges {
 public:
  FreeRanges() = default;  // of a block of nothing
  explicit FreeRanges(size_t size_bytes) : size_bytes_(size_bytes), free_{{0, size_bytes}} {}

  // The offset of a range of this size (not 0), which is then taken; nothing where none is free.
  std::optional<size_t> Take(size_t size_bytes);
  // A range that was taken is free again.
  void Put(size_t offset, size_t size_bytes);
  bool all_free() const { return free_.size() == 1 && free_.begin()->second == size_bytes_; }

 private:
  size_t size_bytes_ = 0;
  std::map<size_t, size_t> free_;  // offset → size
};

}  // namespace espalier
