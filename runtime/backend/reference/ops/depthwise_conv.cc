#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const DepthwiseConvOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  const Weight& w = operands.At(op.weight);
  const int64_t padding = (w.columns - 1) / 2;
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t c = 0; c < x.columns; ++c) {
      double sum = double{WeightElement(operands.At(op.bias), 0, c)};
      for (int64_t j = 0; j < w.columns; ++j) {
        const int64_t s = t + j - padding;
        if (s < 0 || s >= x.rows) continue;
        sum += double{WeightElement(w, c, j)} * double{x.row(s)[c]};
      }
      if (op.multiplier.present()) sum *= double{operands.F32(op.multiplier).row(t)[c]};
      if (op.add_input) sum += double{x.row(t)[c]};
      y.row(t)[c] = static_cast<float>(sum);
    }
  }
}

}  // namespace espalier::reference
