#include "runtime/backend/cpu/packed_matrix.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "runtime/backend/host/host_buffer.h"
#include "runtime/base/check.h"

namespace espalier::cpu {
namespace {

// One panel: rows [row_begin, row_end) of the weight, transposed.
template <typename T>
void PackPanel(const Weight& weight, const PackedLayout& layout, int64_t row_begin, int64_t row_end,
               T* panel) {
  const int64_t channels = weight.columns / layout.taps;
  for (int64_t row = row_begin; row < row_end; ++row) {
    const T* from = static_cast<const T*>(weight.data) + row * weight.row_stride;
    T* to = panel + (row - row_begin);
    for (int64_t tap = 0; tap < layout.taps; ++tap) {
      for (int64_t c = 0; c < channels; ++c, to += layout.panel_columns) {
        *to = from[c * layout.taps + tap];
      }
    }
  }
}

template <typename T>
void PackAll(const Weight& weight, const PackedLayout& layout, void* data) {
  T* panel = static_cast<T*>(data);
  for (int64_t row = 0; row < weight.rows; row += layout.panel_columns) {
    PackPanel(weight, layout, row, std::min(weight.rows, row + layout.panel_columns), panel);
    panel += weight.columns * layout.panel_columns;
  }
}

// As PackAll, in groups of depths. `data` is zero.
template <int64_t kGroup>
void PackGroups(const Weight& weight, int64_t panel_columns, void* data) {
  const int64_t groups = (weight.columns + kGroup - 1) / kGroup;
  for (int64_t row = 0; row < weight.rows; ++row) {
    const auto* from = static_cast<const int8_t*>(weight.data) + row * weight.row_stride;
    int8_t* panel =
        static_cast<int8_t*>(data) + row / panel_columns * groups * kGroup * panel_columns;
    int8_t* to = panel + row % panel_columns * kGroup;
    int64_t k = 0;
    for (; k + kGroup <= weight.columns; k += kGroup, to += kGroup * panel_columns) {
      std::memcpy(to, from + k, kGroup);
    }
    if (k < weight.columns) std::memcpy(to, from + k, static_cast<size_t>(weight.columns - k));
  }
}

std::vector<int32_t> RowSums(const Weight& weight, size_t padded) {
  std::vector<int32_t> sums(padded, 0);
  for (int64_t row = 0; row < weight.rows; ++row) {
    const auto* from = static_cast<const int8_t*>(weight.data) + row * weight.row_stride;
    sums[static_cast<size_t>(row)] = std::accumulate(from, from + weight.columns, int32_t{0});
  }
  return sums;
}

}  // namespace

Result<std::shared_ptr<const PackedMatrix>> PackedMatrix::Make(const Weight& weight,
                                                               const PackedLayout& layout) {
  std::shared_ptr<PackedMatrix> packed(new PackedMatrix);  // NOLINT: the constructor is private
  packed->dtype_ = weight.dtype;
  packed->columns_ = weight.rows;
  packed->depth_ = weight.columns;
  packed->depth_group_ = layout.depth_group;
  packed->panel_count_ = (weight.rows + layout.panel_columns - 1) / layout.panel_columns;
  const auto elements =
      static_cast<size_t>(packed->panel_count_ * packed->packed_depth() * layout.panel_columns);
  ESP_ASSIGN_OR_RETURN(packed->buffer_, AllocateHostBuffer(elements * DTypeSize(weight.dtype)));
  if (weight.dtype == DType::kI8) {
    ESP_DCHECK(layout.taps == 1);
    const auto padded = static_cast<size_t>(packed->panel_count_ * layout.panel_columns);
    packed->column_scales_.assign(weight.row_scales, weight.row_scales + weight.rows);
    packed->column_scales_.resize(padded);
    if (layout.depth_group == 4) {
      PackGroups<4>(weight, layout.panel_columns, packed->buffer_->host());
      packed->column_sums_ = RowSums(weight, padded);
    } else {
      ESP_DCHECK(layout.depth_group == 2);
      PackGroups<2>(weight, layout.panel_columns, packed->buffer_->host());
    }
  } else if (weight.dtype == DType::kF32) {
    PackAll<float>(weight, layout, packed->buffer_->host());
  } else {
    PackAll<uint16_t>(weight, layout, packed->buffer_->host());
  }
  return std::shared_ptr<const PackedMatrix>(std::move(packed));
}

Result<std::shared_ptr<const PackedMatrix>> PackedCache::Get(const Weight& weight,
                                                             const PackedLayout& layout) {
  const Key key{weight.data, weight.dtype, weight.rows, weight.columns, weight.row_stride, layout};
  const std::lock_guard<std::mutex> lock(mutex_);
  // A live entry keeps its executable's weights alive, so the address cannot mean another matrix.
  if (auto shared = entries_[key].lock()) return shared;
  ESP_ASSIGN_OR_RETURN(auto made, PackedMatrix::Make(weight, layout));
  std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
  entries_[key] = made;
  return made;
}

}  // namespace espalier::cpu
