#include "runtime/backend/cpu/packed_matrix.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "runtime/backend/host/host_buffer.h"
#include "runtime/backend/host/operands.h"
#include "runtime/base/check.h"
#include "runtime/base/file_pages.h"
#include "runtime/tensor/half.h"

namespace espalier::cpu {
namespace {

// The panel that begins with a row of the weight: that row and the next ones, transposed. `Unit`:
// what stays together, one number or a group of i8 ones. The panel is zero.
template <typename Unit>
void PackPanel(const Weight& weight, const PackedLayout& layout, int64_t row_begin, Unit* panel) {
  const int64_t rows = std::min(layout.panel_columns, weight.rows - row_begin);
  const int64_t taps = layout.taps, step = layout.panel_columns;
  const int64_t units = weight.columns / layout.depth_group / taps;
  const auto rest = static_cast<size_t>(weight.columns % layout.depth_group);  // i8: of a byte each
  for (int64_t row = 0; row < rows; ++row) {
    const std::byte* data = weight.Row(row_begin + row);
    Unit* to = panel + row;
    for (int64_t tap = 0; tap < taps; ++tap) {
      const std::byte* from = data + tap * int64_t{sizeof(Unit)};
      for (int64_t unit = 0; unit < units;
           ++unit, to += step, from += taps * int64_t{sizeof(Unit)}) {
        std::memcpy(to, from, sizeof(Unit));
      }
    }
    if (rest > 0) std::memcpy(to, data + units * int64_t{sizeof(Unit)}, rest);
  }
}

// The same of numbers that become bfloats, in pairs of depths.
void PackBFloatPanel(const Weight& weight, const PackedLayout& layout, int64_t row_begin,
                     uint16_t* panel) {
  const int64_t rows = std::min(layout.panel_columns, weight.rows - row_begin);
  const int64_t channels = weight.columns / layout.taps;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < weight.columns; ++i) {
      const int64_t depth = i % layout.taps * channels + i / layout.taps;
      const float value = WeightElement(weight, row_begin + row, i);
      panel[(depth / 2 * layout.panel_columns + row) * 2 + depth % 2] = FloatToBFloat16(value);
    }
  }
}

template <typename Unit>
void PackAll(const Weight& weight, const PackedLayout& layout, const PackedMatrix& packed,
             void* data, ThreadPool& pool) {
  const int64_t panel_units = packed.packed_depth() / layout.depth_group * layout.panel_columns;
  pool.ParallelFor(packed.panel_count(), [&](int64_t panel, int) {
    PackPanel(weight, layout, panel * layout.panel_columns,
              static_cast<Unit*>(data) + panel * panel_units);
  });
}

}  // namespace

Result<std::shared_ptr<const PackedMatrix>> PackedMatrix::Make(const Weight& weight,
                                                               const PackedLayout& layout,
                                                               ThreadPool& pool) {
  std::shared_ptr<PackedMatrix> packed(new PackedMatrix);  // NOLINT: the constructor is private
  packed->dtype_ = layout.bfloats ? DType::kBF16 : weight.dtype;
  packed->columns_ = weight.rows;
  packed->depth_ = weight.columns;
  packed->depth_group_ = layout.bfloats ? 2 : layout.depth_group;
  packed->panel_count_ = (weight.rows + layout.panel_columns - 1) / layout.panel_columns;
  const auto elements =
      static_cast<size_t>(packed->panel_count_ * packed->packed_depth() * layout.panel_columns);
  ESP_ASSIGN_OR_RETURN(packed->buffer_, AllocateHostBuffer(elements * DTypeSize(packed->dtype_)));
  if (weight.dtype == DType::kI8) {
    ESP_DCHECK(layout.taps == 1);
    const auto padded = static_cast<size_t>(packed->panel_count_ * layout.panel_columns);
    packed->column_scales_ = RowScales(weight);
    packed->column_scales_.resize(padded);
    if (layout.depth_group == 4) {
      packed->column_sums_.resize(padded);
      pool.ParallelFor(weight.rows, [&](int64_t row, int) {
        const auto* from = reinterpret_cast<const int8_t*>(weight.Row(row));
        packed->column_sums_[static_cast<size_t>(row)] =
            std::accumulate(from, from + weight.columns, int32_t{0});
      });
    }
  }
  const size_t unit = DTypeSize(weight.dtype) * static_cast<size_t>(layout.depth_group);
  ESP_DCHECK(unit == 2 || unit == 4);
  if (layout.bfloats) {
    ESP_DCHECK(weight.dtype != DType::kI8 && layout.depth_group == 1);
    auto* data = reinterpret_cast<uint16_t*>(packed->buffer_->host());
    const int64_t panel_elements = packed->packed_depth() * layout.panel_columns;
    pool.ParallelFor(packed->panel_count(), [&](int64_t panel, int) {
      PackBFloatPanel(weight, layout, panel * layout.panel_columns, data + panel * panel_elements);
    });
  } else if (unit == 2) {
    PackAll<uint16_t>(weight, layout, *packed, packed->buffer_->host(), pool);
  } else {
    PackAll<uint32_t>(weight, layout, *packed, packed->buffer_->host(), pool);
  }
  // The packed copy is what is read from here on.
  const std::byte* const first = weight.Row(0);
  const int64_t row_bytes = weight.columns * static_cast<int64_t>(DTypeSize(weight.dtype));
  ReleasePages(first, static_cast<size_t>(weight.Row(weight.rows - 1) + row_bytes - first));
  return std::shared_ptr<const PackedMatrix>(std::move(packed));
}

Result<std::shared_ptr<const PackedMatrix>> PackedCache::Get(const Weight& weight,
                                                             const PackedLayout& layout,
                                                             ThreadPool& pool) {
  const Key key{weight.data,    weight.row_ids.get(), weight.dtype, weight.rows,
                weight.columns, weight.row_stride,    layout};
  const std::lock_guard<std::mutex> lock(mutex_);
  // A live entry keeps its executable's weights alive, so the address cannot mean another matrix.
  if (auto shared = entries_[key].lock()) return shared;
  ESP_ASSIGN_OR_RETURN(auto made, PackedMatrix::Make(weight, layout, pool));
  std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
  entries_[key] = made;
  return made;
}

}  // namespace espalier::cpu
