// A dtype, a shape and a pointer: row-major, contiguous, not owned.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/tensor/dtype.h"

namespace espalier {

struct TensorView {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;  // outermost first; empty = scalar
  const void* data = nullptr;  // element_count() elements; alignment of the element type only

  int64_t element_count() const {
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    return count;
  }
  size_t size_bytes() const { return static_cast<size_t>(element_count()) * DTypeSize(dtype); }
};

// "(384,1,3,3)", as messages print shapes.
std::string ShapeText(std::span<const int64_t> shape);

// The elements as float (f32, f16, bf16, integers), row-major.
std::vector<float> ToFloat(const TensorView& tensor);

}  // namespace espalier
