#include "runtime/tensor/tensor_view.h"

#include <cstring>

#include "runtime/tensor/half.h"

namespace espalier {
namespace {

template <typename T>
T Load(const uint8_t* bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

float LoadAsFloat(DType dtype, const uint8_t* bytes, size_t index) {
  switch (dtype) {
    case DType::kF32:
      return Load<float>(bytes, index);
    case DType::kF16:
      return HalfToFloat(Load<uint16_t>(bytes, index));
    case DType::kBF16:
      return BFloat16ToFloat(Load<uint16_t>(bytes, index));
    case DType::kI64:
      return static_cast<float>(Load<int64_t>(bytes, index));
    case DType::kI32:
      return static_cast<float>(Load<int32_t>(bytes, index));
    case DType::kI8:
      return static_cast<float>(Load<int8_t>(bytes, index));
    case DType::kU8:
      return static_cast<float>(Load<uint8_t>(bytes, index));
  }
  return 0.0f;
}

}  // namespace

std::string ShapeText(std::span<const int64_t> shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ",";
    text += std::to_string(shape[i]);
  }
  return text + ")";
}

std::vector<float> ToFloat(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.element_count()));
  const auto* bytes = static_cast<const uint8_t*>(tensor.data);
  for (size_t i = 0; i < values.size(); ++i) values[i] = LoadAsFloat(tensor.dtype, bytes, i);
  return values;
}

}  // namespace espalier
