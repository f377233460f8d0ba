#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/gather_columns.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void GatherRow(const float* x, const int32_t* indices, int64_t columns, float* y) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    const auto from = hn::LoadU(di, indices + c);
    // A lane without a source reads column 0, which is there.
    const V found = hn::GatherIndex(d, x, hn::Max(from, hn::Zero(di)));
    const auto is_missing = hn::RebindMask(d, hn::Lt(from, hn::Zero(di)));
    hn::StoreU(hn::IfThenElse(is_missing, hn::Set(d, kNever), found), d, y + c);
  }
  for (; c < columns; ++c) y[c] = indices[c] < 0 ? kNever : x[indices[c]];
}

class GatherColumnsKernel : public Kernel {
 public:
  explicit GatherColumnsKernel(const GatherColumnsOp& op) : op_(op) {}

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input), y = operands.F32(op_.output);
    const int32_t* const indices = operands.I32(op_.indices).row(0);
    workspace.pool().ParallelFor(
        y.rows, [&](int64_t r, int) { GatherRow(x.row(r), indices, y.columns, y.row(r)); });
  }

 private:
  GatherColumnsOp op_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const GatherColumnsOp& op, const Preparation&) {
  return std::unique_ptr<Kernel>(std::make_unique<GatherColumnsKernel>(op));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
