#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/linear.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/epilogue-inl.h"
#include "runtime/backend/cpu/gemm-inl.h"
#include "runtime/backend/cpu/quantized_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class LinearKernel : public Kernel {
 public:
  LinearKernel(const LinearOp& op, const Preparation& preparation,
               std::shared_ptr<const PackedMatrix> weight)
      : op_(op),
        weight_(std::move(weight)),
        bias_(WeightRow(preparation.plan, op.bias, RoundUp(weight_->columns(), kPanelColumns))),
        max_rows_(preparation.MaxRows(op.input)),
        integer_rows_(IntegerRows(preparation, *weight_, max_rows_)) {}

  ScratchSize Scratch() const override {
    ScratchSize size = QuantizedGemmScratch(integer_rows_, *weight_);
    if (integer_rows_ < max_rows_) size = size.Max(GemmScratch(max_rows_, *weight_));
    return size;
  }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input);
    GemmEpilogue epilogue{.bias = op_.bias.present() ? bias_.data() : nullptr,
                          .activation = op_.activation,
                          .scale = op_.scale};
    if (op_.residual.present()) {
      const MatrixView<float> residual = operands.F32(op_.residual);
      epilogue.residual = residual.data;
      epilogue.residual_stride = residual.row_stride;
    }
    GemmOutput output;
    if (operands.TypeOf(op_.output) == DType::kF16) {
      const MatrixView<Half> y = ViewAs<Half>(operands, op_.output);
      output.halves = y.data;
      output.group_stride = y.row_stride;
    } else {
      const MatrixView<float> y = operands.F32(op_.output);
      output.data = y.data;
      output.group_stride = y.row_stride;
    }
    if (x.rows <= integer_rows_) {
      QuantizedGemm(x, *weight_, epilogue, output, workspace);
    } else {
      Gemm({.rows = x.rows, .data = x.data, .row_stride = x.row_stride}, *weight_, epilogue, output,
           workspace);
    }
  }

 private:
  static int64_t IntegerRows(const Preparation& preparation, const PackedMatrix& weight,
                             int64_t max_rows) {
    if (weight.dtype() != DType::kI8) return 0;
    const bool few = preparation.integer_products == IntegerProducts::kPairsOfFewRows;
    return few ? std::min(max_rows, kFewRows) : max_rows;
  }

  LinearOp op_;
  std::shared_ptr<const PackedMatrix> weight_;
  std::vector<float> bias_;
  int64_t max_rows_;
  int64_t integer_rows_;  // up to so many rows QuantizedGemm takes the product, Gemm those of more
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const LinearOp& op, const Preparation& preparation) {
  const Weight& weight = preparation.plan.weights[static_cast<size_t>(op.weight.index)];
  PackedLayout layout{.panel_columns = kPanelColumns};
  if (weight.dtype == DType::kI8) {
    layout.depth_group = preparation.integer_products == IntegerProducts::kQuads ? 4 : 2;
  }
  ESP_ASSIGN_OR_RETURN(auto packed, preparation.packed.Get(weight, layout, preparation.pool));
  return std::unique_ptr<Kernel>(
      std::make_unique<LinearKernel>(op, preparation, std::move(packed)));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
