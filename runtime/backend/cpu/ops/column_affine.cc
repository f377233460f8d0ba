#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/column_affine.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class ColumnAffineKernel : public Kernel {
 public:
  ColumnAffineKernel(const ColumnAffineOp& op, const Plan& plan)
      : op_(op), scale_(WeightRow(plan, op.scale)), shift_(WeightRow(plan, op.shift)) {
    const auto columns = static_cast<size_t>(op.input.column_count);
    scale_.resize(columns, 1.0f);
    shift_.resize(columns, 0.0f);
  }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input), y = operands.F32(op_.output);
    constexpr int64_t kBlockFloats = 16384;  // below, waking a thread costs more than it saves
    ParallelRows(workspace.pool(), x.rows, x.columns, kBlockFloats,
                 [&](int64_t r) { RunRow(x.row(r), x.columns, y.row(r)); });
  }

 private:
  void RunRow(const float* x, int64_t columns, float* y) const {
    const Floats d;
    const float* scale = scale_.data();
    const float* shift = shift_.data();
    int64_t c = 0;
    for (; c + kLanes <= columns; c += kLanes) {
      hn::StoreU(hn::MulAdd(hn::LoadU(d, x + c), hn::LoadU(d, scale + c), hn::LoadU(d, shift + c)),
                 d, y + c);
    }
    for (; c < columns; ++c) y[c] = x[c] * scale[c] + shift[c];
  }

  ColumnAffineOp op_;
  std::vector<float> scale_, shift_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const ColumnAffineOp& op,
                                           const Preparation& preparation) {
  return std::unique_ptr<Kernel>(std::make_unique<ColumnAffineKernel>(op, preparation.plan));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
