#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/embed.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/weight_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class EmbedKernel : public Kernel {
 public:
  EmbedKernel(const EmbedOp& op, const Plan& plan)
      : op_(op),
        table_(plan.weights[static_cast<size_t>(op.table.index)]),
        position_table_(op.positions.present()
                            ? &plan.weights[static_cast<size_t>(op.position_table.index)]
                            : nullptr) {}

  void Run(const Operands& operands, const Workspace&) const override {
    const MatrixView<const int32_t> tokens = operands.I32(op_.tokens);
    const MatrixView<float> y = operands.F32(op_.output);
    for (int64_t r = 0; r < y.rows; ++r) {
      ScaleRow(WeightElements(table_, *tokens.row(r)), op_.scale, y.columns, y.row(r));
      if (position_table_ == nullptr) continue;
      const int32_t position = *operands.I32(op_.positions).row(r);
      AddScaled(y.row(r), 1.0f, WeightElements(*position_table_, position), y.columns, y.row(r));
    }
  }

 private:
  EmbedOp op_;
  const Weight& table_;
  const Weight* position_table_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const EmbedOp& op, const Preparation& preparation) {
  return std::unique_ptr<Kernel>(std::make_unique<EmbedKernel>(op, preparation.plan));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
