// Collects the lengths, slots, weights and ops of one plan. The model families write their stages
// with it.
//
// Goals: stage code reads like the formulas of the spec; the first error is kept and returned by
// Finish, so that stage code has no error paths. Not thread-safe; one builder makes one plan.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/graph/plan.h"
#include "runtime/model/weights.h"

namespace espalier {

class PlanBuilder {
 public:
  // `keep_taps`: intermediates named with Tap are kept readable (dumps); otherwise Tap does
  // nothing.
  PlanBuilder(std::string name, std::shared_ptr<const Weights> weights, bool keep_taps);

  // A row count that the caller gives, or one that follows from a convolution over another.
  int32_t AddLength(const std::string& name, int32_t max);
  int32_t AddConvLength(const std::string& name, int32_t source, int32_t kernel, int32_t stride,
                        int32_t padding);

  // Activations inside the plan.
  TensorRef AddSlot(const std::string& name, int32_t length, int32_t columns);
  TensorRef AddFixedSlot(const std::string& name, int32_t rows, int32_t columns);
  // Buffers that outlive a run; the session binds them by slot name.
  TensorRef AddExternal(const std::string& name, int32_t length, int32_t columns,
                        DType dtype = DType::kF32);
  TensorRef AddFixedExternal(const std::string& name, int32_t rows, int32_t columns,
                             DType dtype = DType::kF32);
  // The columns [begin, begin + count) of `ref`.
  static TensorRef Columns(const TensorRef& ref, int32_t begin, int32_t count);

  // Weights by tensor name (Weights::Matrix), by value, and as parts of a matrix.
  WeightRef Matrix(const std::string& name, int64_t rows, int64_t columns);
  WeightRef Row(const std::string& name, int64_t columns) { return Matrix(name, 1, columns); }
  WeightRef Constant(const std::string& name, int64_t rows, int64_t columns,
                     const std::function<Result<std::vector<float>>()>& make);
  WeightRef Part(const WeightRef& whole, int64_t row_begin, int64_t row_count, int64_t column_begin,
                 int64_t column_count);
  // The rows `ids` of a matrix, rising, without a copy; `name` tells them from other selections.
  WeightRef SelectRows(const WeightRef& whole, const std::string& name,
                       std::shared_ptr<const std::vector<int32_t>> ids);
  // The values behind a reference; empty after an error.
  std::vector<float> Values(const WeightRef& ref) const;

  void Add(Op op);
  void Tap(const std::string& name, const TensorRef& value);
  bool keeps_taps() const { return keep_taps_; }
  const Weights& weights() const { return *weights_; }
  int32_t MaxOf(int32_t length) const { return plan_.lengths[static_cast<size_t>(length)].max; }
  // Row count of a slot: its length index, or -1.
  int32_t LengthOf(const TensorRef& ref) const {
    return plan_.slots[static_cast<size_t>(ref.slot)].length;
  }

  // Places the slots, validates, and returns the plan or the first error.
  Result<std::shared_ptr<const Plan>> Finish();

 private:
  TensorRef AddAnySlot(Slot slot);
  WeightRef AddWeight(Result<Weight> weight);

  std::shared_ptr<const Weights> weights_;
  bool keep_taps_;
  Status first_error_;
  Plan plan_;
};

}  // namespace espalier
