// A weight matrix in the order in which the matrix product reads it.
//
// The output columns (rows of the weight) are cut into panels of `panel_columns`; a panel holds,
// for each depth k, its panel_columns weights side by side: one stream through memory. The last
// panel is filled up with zeros. The storage type stays the weight's: a decoder step reads every
// weight once, so its speed is the memory's. i8 weights lie in groups of depths, the `depth_group`
// numbers of a column side by side, as the instructions want them that multiply small integers and
// add neighbouring products; the depth is filled up with zeros. So do bfloats, which 16- and 32-bit
// weights become where convolutions are rounded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

#include "runtime/backend/backend.h"
#include "runtime/base/thread_pool.h"
#include "runtime/graph/plan.h"

namespace espalier::cpu {

struct PackedLayout {
  int64_t panel_columns = 0;
  // Kernel positions of a convolution: the weight's column c·taps + j becomes depth j·channels + c,
  // because activations have their channels side by side. 1: the order stays.
  int64_t taps = 1;
  int64_t depth_group = 1;  // i8: 2 or 4
  bool bfloats = false;     // of other weights: rounded to bfloat16, in groups of 2

  friend auto operator<=>(const PackedLayout&, const PackedLayout&) = default;
};

class PackedMatrix {
 public:
  // On the pool's threads. Errors: kExhausted.
  static Result<std::shared_ptr<const PackedMatrix>> Make(const Weight& weight,
                                                          const PackedLayout& layout,
                                                          ThreadPool& pool);

  DType dtype() const { return dtype_; }  // of the packed elements
  int64_t columns() const { return columns_; }
  int64_t depth() const { return depth_; }
  int64_t depth_group() const { return depth_group_; }
  bool has_bfloat_pairs() const { return dtype_ == DType::kBF16 && depth_group_ == 2; }
  // Rounded up to whole groups.
  int64_t packed_depth() const { return (depth_ + depth_group_ - 1) / depth_group_ * depth_group_; }
  int64_t panel_count() const { return panel_count_; }
  // panel_count() · packed_depth() · panel_columns elements of `dtype`, page-aligned.
  const void* data() const { return buffer_->host(); }
  // i8: the scale of each column, panel_count() · panel_columns; else empty.
  const std::vector<float>& column_scales() const { return column_scales_; }
  // i8 in groups of 4: the sum of each column's integers, as many; else empty.
  const std::vector<int32_t>& column_sums() const { return column_sums_; }

 private:
  PackedMatrix() = default;

  DType dtype_ = DType::kF32;
  int64_t columns_ = 0;
  int64_t depth_ = 0;
  int64_t panel_count_ = 0;
  int64_t depth_group_ = 1;
  std::unique_ptr<Buffer> buffer_;
  std::vector<float> column_scales_;
  std::vector<int32_t> column_sums_;
};

// One packed copy per weight, shared by all executables that are alive. Thread-safe.
class PackedCache {
 public:
  // The weight's memory must outlive what is returned (executables keep their plan, and it its
  // weights). Errors: kExhausted.
  Result<std::shared_ptr<const PackedMatrix>> Get(const Weight& weight, const PackedLayout& layout,
                                                  ThreadPool& pool);

 private:
  using Key = std::tuple<const void*, const void*, DType, int64_t, int64_t, int64_t, PackedLayout>;

  std::mutex mutex_;
  std::map<Key, std::weak_ptr<const PackedMatrix>> entries_;  // guarded by mutex_
};

}  // namespace espalier::cpu
