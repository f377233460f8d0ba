// Element types of tensors in files, weights and slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace espalier {

enum class DType : uint8_t { kF32, kF16, kBF16, kI64, kI32, kI8, kU8 };

constexpr size_t DTypeSize(DType type) {
  switch (type) {
    case DType::kI64:
      return 8;
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kI8:
    case DType::kU8:
      return 1;
  }
  return 0;
}

// "f32", "f16", ...
std::string_view DTypeName(DType type);

}  // namespace espalier
