// A task is one row: a decoder step has one to a few, a forced prefix some ten.
#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/attention_weights.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/attend-inl.h"
#include "runtime/backend/cpu/kernel.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

struct EveryRow {
  int64_t operator()(int64_t t) const { return t; }
};

// T: of the keys.
template <typename T>
class AttentionWeightsKernel : public Kernel {
 public:
  AttentionWeightsKernel(const AttentionWeightsOp& op, int64_t max_keys)
      : op_(op), max_keys_(max_keys) {}

  ScratchSize Scratch() const override {
    return {.per_worker = RoundUp(max_keys_, kLanes) + kLanes};
  }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> q = operands.F32(op_.query), weights = operands.F32(op_.weights);
    const MatrixView<T> k = ViewAs<T>(operands, op_.key);
    if (k.rows == 0) return;
    const Memory memory{.keys = k, .values = k, .begin = 0, .width = q.columns, .rows = {}};
    workspace.pool().ParallelFor(q.rows, [&](int64_t r, int worker) {
      RunRow(memory, q.row(r), workspace.worker(worker), weights.row(r));
    });
  }

 private:
  using Memory = HeadMemory<T, EveryRow>;

  void RunRow(const Memory& memory, const float* query, float* scores, float* out) const {
    const float scale = 1.0f / std::sqrt(static_cast<float>(memory.width));
    const int64_t count = memory.keys.rows;
    const AttendingRow row{.query = query, .count = count, .scores = scores, .out = out};
    ScoreRange<1>(memory, &row, 0, count);
    const float largest = Largest(scores, count);
    const float total = ExpAndSum(scores, count, scale, -largest * scale);
    const float share = op_.scale / total;
    for (int64_t t = 0; t < count; ++t) {
      out[t] = (op_.accumulate ? out[t] : 0.0f) + scores[t] * share;
    }
  }

  AttentionWeightsOp op_;
  int64_t max_keys_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const AttentionWeightsOp& op,
                                           const Preparation& preparation) {
  const Plan& plan = preparation.plan;
  const int64_t max_keys = plan.MaxRows(plan.slots[static_cast<size_t>(op.key.slot)]);
  if (preparation.TypeOf(op.key) == DType::kF16) {
    return std::unique_ptr<Kernel>(std::make_unique<AttentionWeightsKernel<Half>>(op, max_keys));
  }
  return std::unique_ptr<Kernel>(std::make_unique<AttentionWeightsKernel<float>>(op, max_keys));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
