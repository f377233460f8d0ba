#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const Conv1dOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  const Weight& w = operands.At(op.weight);
  for (int64_t t = 0; t < y.rows; ++t) {
    for (int64_t o = 0; o < y.columns; ++o) {
      double sum = double{WeightElement(operands.At(op.bias), 0, o)};
      for (int64_t j = 0; j < 3; ++j) {
        const int64_t s = t * op.stride + j - 1;
        if (s < 0 || s >= x.rows) continue;
        for (int64_t c = 0; c < x.columns; ++c) {
          sum += double{WeightElement(w, o, c * 3 + j)} * double{x.row(s)[c]};
        }
      }
      y.row(t)[o] = static_cast<float>(Activate(op.activation, sum));
    }
  }
}

}  // namespace espalier::reference
