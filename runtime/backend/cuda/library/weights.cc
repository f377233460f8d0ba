#include "runtime/backend/cuda/library/weights.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/backend/host/operands.h"

namespace espalier::cuda {
namespace {

constexpr int64_t kRowBytes = 16;  // of a vector load
constexpr int64_t kUploadBytes = int64_t{4} << 20;

Storage StorageOf(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return Storage::kF16;
    case DType::kBF16:
      return Storage::kBF16;
    case DType::kI8:
      return Storage::kI8;
    default:
      return Storage::kF32;
  }
}

// Row `row` of the weight, columns in the order of `taps`.
void PackRow(const Weight& weight, int64_t taps, int64_t row, std::byte* to) {
  const size_t element = DTypeSize(weight.dtype);
  const std::byte* const from = weight.Row(row);
  if (taps == 1) {
    std::memcpy(to, from, static_cast<size_t>(weight.columns) * element);
    return;
  }
  const int64_t channels = weight.columns / taps;
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t c = 0; c < channels; ++c, to += element) {
      std::memcpy(to, from + static_cast<size_t>(c * taps + tap) * element, element);
    }
  }
}

}  // namespace

Result<std::shared_ptr<const DeviceWeight>> WeightStore::Get(const Weight& weight,
                                                             const WeightLayout& layout) {
  const Key key{weight.data,    weight.row_ids.get(), weight.dtype, weight.rows,
                weight.columns, weight.row_stride,    layout};
  const std::lock_guard<std::mutex> lock(mutex_);
  // A live entry keeps its executable's weights alive, so the address cannot mean another matrix.
  if (auto shared = entries_[key].lock()) return shared;
  auto made = std::make_shared<DeviceWeight>();
  ESP_RETURN_IF_ERROR(layout.order == WeightLayout::Order::kMatrix
                          ? AddMatrix(weight, layout.taps, made.get())
                          : AddFloats(weight, layout, made.get()));
  std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
  entries_[key] = made;
  return std::shared_ptr<const DeviceWeight>(std::move(made));
}

Status WeightStore::AddMatrix(const Weight& weight, int64_t taps, DeviceWeight* made) {
  if (weight.dtype == DType::kI8) {
    const std::vector<float> scales = RowScales(weight);
    ESP_ASSIGN_OR_RETURN(made->scales, pool_.Allocate(scales.size() * sizeof(float)));
    ESP_RETURN_IF_ERROR(transfer_.Write(made->scales, 0, std::as_bytes(std::span(scales))));
  }
  const auto element = static_cast<int64_t>(DTypeSize(weight.dtype));
  const int64_t row_bytes = (weight.columns * element + kRowBytes - 1) / kRowBytes * kRowBytes;
  ESP_ASSIGN_OR_RETURN(made->memory, pool_.Allocate(static_cast<size_t>(weight.rows * row_bytes)));
  made->matrix = {.data = made->memory.data(),
                  .stride = static_cast<int32_t>(row_bytes / element),
                  .storage = StorageOf(weight.dtype),
                  .row_scales = reinterpret_cast<const float*>(made->scales.data())};
  // Many rows at a time: each write waits.
  const int64_t group = std::max<int64_t>(1, kUploadBytes / row_bytes);
  std::vector<std::byte> packed(static_cast<size_t>(std::min(group, weight.rows) * row_bytes));
  for (int64_t begin = 0; begin < weight.rows; begin += group) {
    const int64_t count = std::min(group, weight.rows - begin);
    for (int64_t i = 0; i < count; ++i) {
      PackRow(weight, taps, begin + i, packed.data() + i * row_bytes);
    }
    ESP_RETURN_IF_ERROR(
        transfer_.Write(made->memory, static_cast<size_t>(begin * row_bytes),
                        std::span(packed).first(static_cast<size_t>(count * row_bytes))));
  }
  return OkStatus();
}

Status WeightStore::AddFloats(const Weight& weight, const WeightLayout& layout,
                              DeviceWeight* made) {
  const bool transposed = layout.order == WeightLayout::Order::kTransposed;
  const int64_t outer = transposed ? weight.columns : weight.rows;
  const int64_t inner = transposed ? weight.rows : weight.columns;
  std::vector<float> values;
  values.reserve(static_cast<size_t>(outer * inner));
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t j = 0; j < inner; ++j) {
      values.push_back(layout.factor *
                       (transposed ? WeightElement(weight, j, i) : WeightElement(weight, i, j)));
    }
  }
  const auto bytes = std::as_bytes(std::span(values));
  ESP_ASSIGN_OR_RETURN(made->memory, pool_.Allocate(bytes.size()));
  return transfer_.Write(made->memory, 0, bytes);
}

}  // namespace espalier::cuda
