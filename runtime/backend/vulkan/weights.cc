#include "runtime/backend/vulkan/weights.h"

#include <algorithm>

#include "runtime/backend/host/operands.h"
#include "runtime/base/string_format.h"
#include "shaders/params/params.h"

namespace espalier::vulkan {
namespace {

constexpr int64_t kPanel = ESP_PANEL_COLUMNS;
constexpr int64_t kUploadBytes = int64_t{4} << 20;

uint32_t StorageOf(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return ESP_WEIGHT_F16;
    case DType::kBF16:
      return ESP_WEIGHT_BF16;
    case DType::kI8:
      return ESP_WEIGHT_I8;
    default:
      return ESP_WEIGHT_F32;
  }
}

// Panel number `panel` of the weight: depth · kPanel elements, zeroed by the caller.
template <typename T>
void PackPanel(const Weight& weight, int64_t taps, int64_t panel, T* to) {
  const int64_t channels = weight.columns / taps;
  const int64_t row_end = std::min(weight.rows, (panel + 1) * kPanel);
  for (int64_t row = panel * kPanel; row < row_end; ++row) {
    const T* from = reinterpret_cast<const T*>(weight.Row(row));
    T* element = to + row % kPanel;
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < channels; ++c, element += kPanel) *element = from[c * taps + tap];
    }
  }
}

// The panels from number `panel` on, as many as `to` holds.
void PackPanels(const Weight& weight, int64_t taps, int64_t panel, std::span<std::byte> to) {
  std::fill(to.begin(), to.end(), std::byte{0});
  const size_t element = DTypeSize(weight.dtype);
  const size_t panel_bytes = static_cast<size_t>(kPanel * weight.columns) * element;
  for (size_t at = 0; at < to.size(); at += panel_bytes, ++panel) {
    if (element == sizeof(float)) {
      PackPanel(weight, taps, panel, reinterpret_cast<float*>(&to[at]));
    } else if (element == sizeof(int8_t)) {
      PackPanel(weight, taps, panel, reinterpret_cast<int8_t*>(&to[at]));
    } else {
      PackPanel(weight, taps, panel, reinterpret_cast<uint16_t*>(&to[at]));
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
  ESP_ASSIGN_OR_RETURN(auto made, Make(weight, layout));
  std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
  entries_[key] = made;
  return made;
}

Result<std::shared_ptr<const DeviceWeight>> WeightStore::Make(const Weight& weight,
                                                              const WeightLayout& layout) {
  auto made = std::make_shared<DeviceWeight>();
  if (layout.order == WeightLayout::Order::kPanels) {
    ESP_RETURN_IF_ERROR(AddPanels(weight, layout.taps, made.get()));
  } else {
    const bool transposed = layout.order == WeightLayout::Order::kTransposed;
    ESP_RETURN_IF_ERROR(AddFloats(weight, transposed, made.get()));
  }
  return std::shared_ptr<const DeviceWeight>(std::move(made));
}

Status WeightStore::AddPanels(const Weight& weight, int64_t taps, DeviceWeight* made) {
  made->storage = StorageOf(weight.dtype);
  if (weight.dtype == DType::kI8) {
    const std::vector<float> scales = RowScales(weight);
    ESP_ASSIGN_OR_RETURN(made->scales,
                         pool_.Allocate(scales.size() * sizeof(float), MemoryUse::kDevice));
    ESP_RETURN_IF_ERROR(transfer_.Write(made->scales, 0, std::as_bytes(std::span(scales))));
  }
  const auto element = static_cast<int64_t>(DTypeSize(weight.dtype));
  const int64_t panel_bytes = kPanel * weight.columns * element;
  const int64_t panels = (weight.rows + kPanel - 1) / kPanel;
  const int64_t panels_each = largest_chunk_bytes_ / panel_bytes;
  if (panels_each == 0) {
    return Unsupported(StrFormat("weight %s: %lld columns are more than a storage buffer holds",
                                 weight.name.c_str(), static_cast<long long>(weight.columns)));
  }
  // Several panels at a time: where bytes are staged, each write is a submit.
  const int64_t group = std::clamp(kUploadBytes / panel_bytes, int64_t{1}, panels);
  std::vector<std::byte> packed(static_cast<size_t>(group * panel_bytes));
  for (int64_t begin = 0; begin < panels; begin += panels_each) {
    const int64_t count = std::min(panels_each, panels - begin);
    DeviceWeight::Chunk& chunk = made->chunks.emplace_back();
    chunk.row_begin = begin * kPanel;
    chunk.row_count = std::min(weight.rows - chunk.row_begin, count * kPanel);
    ESP_ASSIGN_OR_RETURN(
        chunk.memory, pool_.Allocate(static_cast<size_t>(count * panel_bytes), MemoryUse::kDevice));
    for (int64_t first = 0; first < count; first += group) {
      const std::span<std::byte> bytes(
          packed.data(), static_cast<size_t>(std::min(group, count - first) * panel_bytes));
      PackPanels(weight, taps, begin + first, bytes);
      ESP_RETURN_IF_ERROR(
          transfer_.Write(chunk.memory, static_cast<size_t>(first * panel_bytes), bytes));
    }
  }
  return OkStatus();
}

Status WeightStore::AddFloats(const Weight& weight, bool transposed, DeviceWeight* made) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(weight.rows * weight.columns));
  const int64_t outer = transposed ? weight.columns : weight.rows;
  const int64_t inner = transposed ? weight.rows : weight.columns;
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t j = 0; j < inner; ++j) {
      values.push_back(transposed ? WeightElement(weight, j, i) : WeightElement(weight, i, j));
    }
  }
  const auto bytes = std::as_bytes(std::span(values));
  if (static_cast<int64_t>(bytes.size()) > largest_chunk_bytes_) {
    return Unsupported("weight " + weight.name + " is larger than a storage buffer");
  }
  DeviceWeight::Chunk& chunk = made->chunks.emplace_back();
  chunk.row_count = weight.rows;
  ESP_ASSIGN_OR_RETURN(chunk.memory, pool_.Allocate(bytes.size(), MemoryUse::kDevice));
  return transfer_.Write(chunk.memory, 0, bytes);
}

}  // namespace espalier::vulkan
