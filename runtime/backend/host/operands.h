// What the kernels of a host backend compute on: an op's references resolved to memory.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/graph/plan.h"

namespace espalier {

// A row-major matrix in memory that somebody else owns, rows `row_stride` elements apart.
template <typename T>
struct MatrixView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t row_stride = 0;

  T* row(int64_t index) const { return data + index * row_stride; }
};

// A matrix of f32 or f16 numbers (graph/plan.h) as floats. For cold paths.
class NumberView {
 public:
  NumberView(std::byte* data, DType dtype, int64_t row_stride)
      : data_(data), dtype_(dtype), row_stride_(row_stride) {}

  float Get(int64_t row, int64_t column) const;
  void Set(int64_t row, int64_t column, float value) const;

 private:
  std::byte* data_;
  DType dtype_;
  int64_t row_stride_;
};

// The slots of a plan at their places, with the row counts of the present run.
class Operands {
 public:
  explicit Operands(const Plan& plan)
      : plan_(plan), slots_(plan.slots.size(), nullptr), lengths_(plan.lengths.size(), 0) {}

  const Plan& plan() const { return plan_; }
  std::vector<std::byte*>& slots() { return slots_; }
  std::vector<int32_t>& lengths() { return lengths_; }

  int32_t Rows(const TensorRef& ref) const {
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    return slot.length >= 0 ? lengths_[static_cast<size_t>(slot.length)] : slot.fixed_rows;
  }
  MatrixView<float> F32(const TensorRef& ref) const { return View<float>(ref, DType::kF32); }
  // The bits of f16 numbers.
  MatrixView<uint16_t> F16(const TensorRef& ref) const { return View<uint16_t>(ref, DType::kF16); }
  NumberView Numbers(const TensorRef& ref) const;
  DType TypeOf(const TensorRef& ref) const {
    return plan_.slots[static_cast<size_t>(ref.slot)].dtype;
  }
  MatrixView<const int32_t> I32(const TensorRef& ref) const {
    return View<const int32_t>(ref, DType::kI32);
  }
  MatrixView<int32_t> WritableI32(const TensorRef& ref) const {
    return View<int32_t>(ref, DType::kI32);
  }
  const Weight& At(const WeightRef& ref) const {
    return plan_.weights[static_cast<size_t>(ref.index)];
  }

 private:
  template <typename T>
  MatrixView<T> View(const TensorRef& ref, [[maybe_unused]] DType dtype) const {
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    ESP_DCHECK(slot.dtype == dtype);
    T* base = reinterpret_cast<T*>(slots_[static_cast<size_t>(ref.slot)]);
    return {.data = base + ref.column_begin,
            .rows = Rows(ref),
            .columns = ref.column_count,
            .row_stride = slot.columns};
  }

  const Plan& plan_;
  std::vector<std::byte*> slots_;
  std::vector<int32_t> lengths_;
};

// Element (row, column) of a weight as a float, whatever its storage. For cold paths.
float WeightElement(const Weight& weight, int64_t row, int64_t column);

// The scale of every row of an i8 weight, which may be a selection of the stored ones.
std::vector<float> RowScales(const Weight& weight);

}  // namespace espalier
