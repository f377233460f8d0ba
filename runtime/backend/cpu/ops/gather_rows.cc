#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/gather_rows.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class GatherRowsKernel : public Kernel {
 public:
  explicit GatherRowsKernel(const GatherRowsOp& op) : op_(op) {}

  void Run(const Operands& operands, const Workspace&) const override {
    const MatrixView<float> x = operands.F32(op_.input), y = operands.F32(op_.output);
    const MatrixView<const int32_t> indices = operands.I32(op_.indices);
    for (int64_t r = 0; r < y.rows; ++r) std::copy_n(x.row(*indices.row(r)), y.columns, y.row(r));
  }

 private:
  GatherRowsOp op_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const GatherRowsOp& op, const Preparation&) {
  return std::unique_ptr<Kernel>(std::make_unique<GatherRowsKernel>(op));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
