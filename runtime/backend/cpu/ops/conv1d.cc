// Implicit matrix product: with channels side by side, the kernel-3 patch of an output step is
// three neighbouring rows of the input. The weight's depth is ordered (kernel position, channel) to
// match.
#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/conv1d.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/bfloat_tile-inl.h"
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
        max_rows_(preparation.MaxRows(op.output)) {}

  ScratchSize Scratch() const override { return GemmScratch(max_rows_, *weight_); }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input);
    const MatrixView<float> y = operands.F32(op_.output);
    const auto copy_patches = [this, &x](const GemmInput::Block& block, void* to, int64_t stride) {
#if HWY_TARGET == HWY_AVX3
      if (weight_->has_bfloat_pairs()) return CopyPatches<BFloatProducts>(x, block, to, stride);
#endif
      CopyPatches<FloatProducts>(x, block, to, stride);
    };
    const GemmInput::Fill fill(copy_patches);
    Gemm({.rows = y.rows, .fill = &fill}, *weight_,
         {.bias = bias_.data(), .activation = op_.activation},
         {.data = y.data, .group_stride = y.row_stride}, workspace);
  }

 private:
  template <typename Products>
  void CopyPatches(const MatrixView<float>& x, const GemmInput::Block& block, void* to,
                   int64_t stride) const {
    auto* row = static_cast<typename Products::Value*>(to);
    for (int64_t r = 0; r < block.row_count; ++r, row += stride) {
      CopyPatch<Products>(x, block.row_begin + r, block.depth_begin,
                          block.depth_begin + block.depth_count, row);
    }
  }

  // Elements [begin, end) of the patch under output step t; rows outside the input are zero. The
  // zero that fills up a part of odd size is overwritten by the next part.
  template <typename Products>
  void CopyPatch(const MatrixView<float>& x, int64_t t, int64_t begin, int64_t end,
                 typename Products::Value* to) const {
    for (int64_t at = begin; at < end;) {
      const int64_t row = t * op_.stride + at / x.columns - 1;
      const int64_t column = at % x.columns;
      const int64_t count = std::min(x.columns - column, end - at);
      if (row < 0 || row >= x.rows) {
        std::fill_n(to, RoundUp(count, Products::kGroup), typename Products::Value{0});
      } else {
        Products::Round(x.row(row) + column, count, to);
      }
      to += count;
      at += count;
    }
  }

  Conv1dOp op_;
  std::shared_ptr<const PackedMatrix> weight_;
  std::vector<float> bias_;
  int64_t max_rows_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const Conv1dOp& op, const Preparation& preparation) {
  const Weight& weight = preparation.plan.weights[static_cast<size_t>(op.weight.index)];
  ESP_ASSIGN_OR_RETURN(
      auto packed,
      preparation.packed.Get(
          weight,
          {.panel_columns = kPanelColumns, .taps = 3, .bfloats = preparation.rounds_convolutions()},
          preparation.pool));
  return std::unique_ptr<Kernel>(
      std::make_unique<Conv1dKernel>(op, preparation, std::move(packed)));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
