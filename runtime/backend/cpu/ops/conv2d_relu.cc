// Implicit matrix product: one row per (step, frequency) of the output. With channels side by side
// a 3×3 patch is three runs of 3·channels floats, one per input row; the weight's depth is ordered
// (row, column, channel) to match.
#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/conv2d_relu.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/bfloat_tile-inl.h"
#include "runtime/backend/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class Conv2dReluKernel : public Kernel {
 public:
  Conv2dReluKernel(const Conv2dReluOp& op, const Preparation& preparation,
                   std::shared_ptr<const PackedMatrix> weight)
      : op_(op),
        weight_(std::move(weight)),
        bias_(WeightRow(preparation.plan, op.bias, RoundUp(weight_->columns(), kPanelColumns))),
        max_rows_(int64_t{op.out_frequencies} * preparation.MaxRows(op.output)) {}

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
    Gemm({.rows = y.rows * op_.out_frequencies, .fill = &fill}, *weight_,
         {.bias = bias_.data(), .activation = Activation::kRelu},
         {.data = y.data,
          .group_rows = op_.out_frequencies,
          .group_stride = y.row_stride,
          .row_stride = op_.out_channels},
         workspace);
  }

 private:
  template <typename Products>
  void CopyPatches(const MatrixView<float>& x, const GemmInput::Block& block, void* to,
                   int64_t stride) const {
    auto* row = static_cast<typename Products::Value*>(to);
    int64_t step = block.row_begin / op_.out_frequencies;
    int64_t frequency = block.row_begin % op_.out_frequencies;
    for (int64_t r = 0; r < block.row_count; ++r, row += stride) {
      CopyPatch<Products>(x, step, frequency, block, row);
      if (++frequency == op_.out_frequencies) ++step, frequency = 0;
    }
  }

  // The zero that fills up a part of odd size is overwritten by the next part.
  template <typename Products>
  void CopyPatch(const MatrixView<float>& x, int64_t step, int64_t frequency,
                 const GemmInput::Block& block, typename Products::Value* to) const {
    const int64_t run = int64_t{op_.in_channels} * 3;
    const int64_t left = 2 * frequency * op_.in_channels;
    for (int64_t i = 0; i < 3; ++i) {
      const int64_t begin = std::max(block.depth_begin, i * run);
      const int64_t end = std::min(block.depth_begin + block.depth_count, (i + 1) * run);
      if (begin >= end) continue;
      Products::Round(x.row(2 * step + i) + left + (begin - i * run), end - begin, to);
      to += end - begin;
    }
  }

  Conv2dReluOp op_;
  std::shared_ptr<const PackedMatrix> weight_;
  std::vector<float> bias_;
  int64_t max_rows_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const Conv2dReluOp& op, const Preparation& preparation) {
  const Weight& weight = preparation.plan.weights[static_cast<size_t>(op.weight.index)];
  ESP_ASSIGN_OR_RETURN(
      auto packed,
      preparation.packed.Get(
          weight,
          {.panel_columns = kPanelColumns, .taps = 9, .bfloats = preparation.rounds_convolutions()},
          preparation.pool));
  return std::unique_ptr<Kernel>(
      std::make_unique<Conv2dReluKernel>(op, preparation, std::move(packed)));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
