#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const LinearOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const NumberView y = operands.Numbers(op.output);
  const Weight& w = operands.At(op.weight);
  for (int64_t r = 0; r < x.rows; ++r) {
    for (int64_t o = 0; o < w.rows; ++o) {
      double sum = op.bias.present() ? double{WeightElement(operands.At(op.bias), 0, o)} : 0.0;
      for (int64_t i = 0; i < x.columns; ++i) {
        sum += double{x.row(r)[i]} * double{WeightElement(w, o, i)};
      }
      double result = double{op.scale} * Activate(op.activation, sum);
      if (op.residual.present()) result += double{operands.F32(op.residual).row(r)[o]};
      y.Set(r, o, static_cast<float>(result));
    }
  }
}

}  // namespace espalier::reference
