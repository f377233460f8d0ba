#include "runtime/backend/host/operands.h"

#include "runtime/tensor/half.h"

namespace espalier {

float NumberView::Get(int64_t row, int64_t column) const {
  const int64_t index = row * row_stride_ + column;
  if (dtype_ == DType::kF16) return HalfToFloat(reinterpret_cast<const uint16_t*>(data_)[index]);
  return reinterpret_cast<const float*>(data_)[index];
}

void NumberView::Set(int64_t row, int64_t column, float value) const {
  const int64_t index = row * row_stride_ + column;
  if (dtype_ == DType::kF16) {
    reinterpret_cast<uint16_t*>(data_)[index] = FloatToFiniteHalf(value);
  } else {
    reinterpret_cast<float*>(data_)[index] = value;
  }
}

NumberView Operands::Numbers(const TensorRef& ref) const {
  const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  ESP_DCHECK(slot.dtype == DType::kF16 || slot.dtype == DType::kF32);
  const auto offset = static_cast<size_t>(ref.column_begin) * DTypeSize(slot.dtype);
  return {slots_[static_cast<size_t>(ref.slot)] + offset, slot.dtype, slot.columns};
}

float WeightElement(const Weight& weight, int64_t row, int64_t column) {
  const std::byte* data = weight.Row(row);
  switch (weight.dtype) {
    case DType::kF16:
      return HalfToFloat(reinterpret_cast<const uint16_t*>(data)[column]);
    case DType::kBF16:
      return BFloat16ToFloat(reinterpret_cast<const uint16_t*>(data)[column]);
    case DType::kI8:
      return static_cast<float>(reinterpret_cast<const int8_t*>(data)[column]) *
             weight.RowScale(row);
    default:
      return reinterpret_cast<const float*>(data)[column];
  }
}

std::vector<float> RowScales(const Weight& weight) {
  std::vector<float> scales;
  scales.reserve(static_cast<size_t>(weight.rows));
  for (int64_t row = 0; row < weight.rows; ++row) scales.push_back(weight.RowScale(row));
  return scales;
}

}  // namespace espalier
