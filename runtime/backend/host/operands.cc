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
  const int64_t index = row * weight.row_stride + column;
  switch (weight.dtype) {
    case DType::kF16:
      return HalfToFloat(static_cast<const uint16_t*>(weight.data)[index]);
    case DType::kBF16:
      return BFloat16ToFloat(static_cast<const uint16_t*>(weight.data)[index]);
    case DType::kI8:
      return static_cast<float>(static_cast<const int8_t*>(weight.data)[index]) *
             weight.row_scales[row];
    default:
      return static_cast<const float*>(weight.data)[index];
  }
}

}  // namespace espalier
