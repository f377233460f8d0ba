#include "runtime/graph/cost.h"

#include <vector>

#include "runtime/graph/op_visit.h"

namespace espalier {
namespace {

class MultiplyAdds {
 public:
  MultiplyAdds(const Plan& plan, std::span<const int32_t> lengths, int32_t cached_positions)
      : plan_(plan), lengths_(lengths), cached_positions_(cached_positions) {}

  int64_t operator()(const LinearOp& op) const {
    return Rows(op.input) * op.input.column_count * op.output.column_count;
  }
  int64_t operator()(const Conv2dReluOp& op) const {
    return Rows(op.output) * op.output.column_count * op.in_channels * 9;
  }
  int64_t operator()(const Conv1dOp& op) const {
    return Rows(op.output) * op.output.column_count * op.input.column_count * 3;
  }
  int64_t operator()(const DepthwiseConvOp& op) const {
    return Rows(op.input) * plan_.weights[static_cast<size_t>(op.weight.index)].columns *
           op.input.column_count;
  }
  int64_t operator()(const AttentionOp& op) const {
    return 2 * Rows(op.query) * Rows(op.key) * op.query.column_count;
  }
  int64_t operator()(const CachedAttentionOp& op) const {
    return 2 * Rows(op.query) * cached_positions_ * op.query.column_count;
  }
  int64_t operator()(const AttentionWeightsOp& op) const {
    return Rows(op.query) * Rows(op.key) * op.query.column_count;
  }
  template <typename T>
  int64_t operator()(const T&) const {
    return 0;
  }

 private:
  int64_t Rows(const TensorRef& ref) const {
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    return slot.length >= 0 ? lengths_[static_cast<size_t>(slot.length)] : slot.fixed_rows;
  }

  const Plan& plan_;
  std::span<const int32_t> lengths_;
  int32_t cached_positions_;
};

// Adds the bytes of every weight not seen before. Embedding tables count the rows they look up.
class WeightBytesVisitor {
 public:
  explicit WeightBytesVisitor(const Plan& plan) : plan_(plan), seen_(plan.weights.size(), false) {}
  void Read(const char*, const TensorRef&) {}
  void Write(const char*, const TensorRef&) {}
  void Update(const char*, const TensorRef&) {}
  void Constant(const char*, const WeightRef& ref) {
    if (!ref.present() || seen_[static_cast<size_t>(ref.index)]) return;
    seen_[static_cast<size_t>(ref.index)] = true;
    const Weight& weight = plan_.weights[static_cast<size_t>(ref.index)];
    bytes_ += weight.rows * weight.columns * static_cast<int64_t>(DTypeSize(weight.dtype));
  }
  template <typename T>
  void Parameter(const char*, T) {}
  int64_t bytes() const { return bytes_; }

 private:
  const Plan& plan_;
  std::vector<bool> seen_;
  int64_t bytes_ = 0;
};

bool IsLookup(const Op& op) {
  return std::holds_alternative<EmbedOp>(op) || std::holds_alternative<AddPositionsOp>(op);
}

}  // namespace

Cost OpCost(const Plan& plan, const Op& op, std::span<const int32_t> lengths,
            int32_t cached_positions) {
  Cost cost;
  cost.multiply_adds = std::visit(MultiplyAdds(plan, lengths, cached_positions), op);
  if (!IsLookup(op)) {
    WeightBytesVisitor visitor(plan);
    VisitOperands(op, visitor);
    cost.weight_bytes = visitor.bytes();
  }
  return cost;
}

int64_t PlanMultiplyAdds(const Plan& plan, std::span<const int32_t> lengths,
                         int32_t cached_positions) {
  const MultiplyAdds count(plan, lengths, cached_positions);
  int64_t total = 0;
  for (const Op& op : plan.ops) total += std::visit(count, op);
  return total;
}

Cost PlanCost(const Plan& plan, std::span<const int32_t> lengths, int32_t cached_positions) {
  return {.multiply_adds = PlanMultiplyAdds(plan, lengths, cached_positions),
          .weight_bytes = WeightBytes(plan)};
}

int64_t WeightBytes(const Plan& plan) {
  WeightBytesVisitor visitor(plan);
  for (const Op& op : plan.ops) {
    if (!IsLookup(op)) VisitOperands(op, visitor);
  }
  return visitor.bytes();
}

}  // namespace espalier
