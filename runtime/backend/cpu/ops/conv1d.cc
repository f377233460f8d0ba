// Implicit matrix product: with channels side by side, the kernel-3 patch of an output step is
// three neighbouring rows of the input. The weight's depth is ordered (kernel position, channel) to
// match.
#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/conv1d.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class Conv1dKernel : public Kernel {
 public:
  Conv1dKernel(const Conv1dOp& op, const Preparation& preparation,
               std::shared_ptr<const PackedMatrix> weight)
      : op_(op),
        weight_(std::move(weight)),
        bias_(WeightRow(preparation.plan, op.bias, RoundUp(weight_->columns(), kPanelColumns))),
        max_rows_(preparation.MaxRows(op.output)),
        bfloats_(preparation.rounded_factors == RoundedFactors::kBFloat) {}

  ScratchSize Scratch() const override { return GemmScratch(max_rows_, *weight_); }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input);
    const MatrixView<float> y = operands.F32(op_.output);
    const auto copy_patches = [this, &x](const GemmInput::Block& block, float* to, int64_t stride) {
      for (int64_t r = 0; r < block.row_count; ++r) {
        CopyPatch(x, block.row_begin + r, block.depth_begin, block.depth_begin + block.depth_count,
                  to + r * stride);
      }
    };
    const GemmInput::Fill fill(copy_patches);
    Gemm({.rows = y.rows, .fill = &fill, .bfloats = bfloats_}, *weight_,
         {.bias = bias_.data(), .activation = op_.activation},
         {.data = y.data, .group_stride = y.row_stride}, workspace);
  }

 private:
  // Elements [begin, end) of the patch under output step t; rows outside the input are zero.
  void CopyPatch(const MatrixView<float>& x, int64_t t, int64_t begin, int64_t end,
                 float* to) const {
    for (int64_t at = begin; at < end;) {
      const int64_t row = t * op_.stride + at / x.columns - 1;
      const int64_t column = at % x.columns;
      const int64_t count = std::min(x.columns - column, end - at);
      if (row < 0 || row >= x.rows) {
        std::fill_n(to, count, 0.0f);
      } else {
        std::copy_n(x.row(row) + column, count, to);
      }
      to += count;
      at += count;
    }
  }

  Conv1dOp op_;
  std::shared_ptr<const PackedMatrix> weight_;
  std::vector<float> bias_;
  int64_t max_rows_;
  bool bfloats_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const Conv1dOp& op, const Preparation& preparation) {
  const Weight& weight = preparation.plan.weights[static_cast<size_t>(op.weight.index)];
  ESP_ASSIGN_OR_RETURN(auto packed,
                       preparation.packed.Get(weight, {.panel_columns = kPanelColumns, .taps = 3},
                                              preparation.pool));
  return std::unique_ptr<Kernel>(
      std::make_unique<Conv1dKernel>(op, preparation, std::move(packed)));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
