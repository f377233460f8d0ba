#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/add_positions.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/weight_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class AddPositionsKernel : public Kernel {
 public:
  AddPositionsKernel(const AddPositionsOp& op, const Plan& plan)
      : op_(op), table_(plan.weights[static_cast<size_t>(op.table.index)]) {}

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input), y = operands.F32(op_.output);
    constexpr int64_t kBlockFloats = 16384;  // below, waking a thread costs more than it saves
    ParallelRows(workspace.pool(), x.rows, x.columns, kBlockFloats, [&](int64_t t) {
      AddScaled(x.row(t), op_.scale, WeightElements(table_, t), x.columns, y.row(t));
    });
  }

 private:
  AddPositionsOp op_;
  const Weight& table_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const AddPositionsOp& op,
                                           const Preparation& preparation) {
  return std::unique_ptr<Kernel>(std::make_unique<AddPositionsKernel>(op, preparation.plan));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
