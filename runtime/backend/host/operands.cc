#include "runtime/backend/host/operands.h"

#include "runtime/tensor/half.h"

namespace espalier {

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
