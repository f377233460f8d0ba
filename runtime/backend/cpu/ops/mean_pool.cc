#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/mean_pool.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlockRows = 32;  // of one f32 sum; block sums are summed again

class MeanPoolKernel : public Kernel {
 public:
  MeanPoolKernel(const MeanPoolOp& op, const Plan&) : op_(op) {}

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input), y = operands.F32(op_.output);
    constexpr int64_t kBlockColumns = 64;
    ParallelBlocks(workspace.pool(), x.columns, kBlockColumns,
                   [&](int64_t begin, int64_t end) { RunColumns(x, begin, end, y.row(0)); });
  }

 private:
  static void RunColumns(const MatrixView<float>& x, int64_t begin, int64_t end, float* y) {
    const Floats d;
    // The mean of nothing is zero.
    const float inverse = x.rows > 0 ? 1.0f / static_cast<float>(x.rows) : 0.0f;
    int64_t c = begin;
    for (; c + kLanes <= end; c += kLanes) {
      V total = hn::Zero(d);
      for (int64_t r = 0; r < x.rows; r += kBlockRows) {
        V sum = hn::Zero(d);
        const int64_t block_end = std::min(x.rows, r + kBlockRows);
        for (int64_t i = r; i < block_end; ++i) sum = hn::Add(sum, hn::LoadU(d, x.row(i) + c));
        total = hn::Add(total, sum);
      }
      hn::StoreU(hn::Mul(total, hn::Set(d, inverse)), d, y + c);
    }
    for (; c < end; ++c) {
      double total = 0.0;
      for (int64_t r = 0; r < x.rows; ++r) total += double{x.row(r)[c]};
      y[c] = static_cast<float>(total) * inverse;
    }
  }

  MeanPoolOp op_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const MeanPoolOp& op, const Preparation& preparation) {
  return std::unique_ptr<Kernel>(std::make_unique<MeanPoolKernel>(op, preparation.plan));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
