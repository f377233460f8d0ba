#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {
namespace {

// Σ W[o,c,i,j] · x[2t+i, 2f+j, c]
double WindowSum(const Conv2dReluOp& op, const MatrixView<float>& x, const Weight& w, int64_t t,
                 int64_t f, int64_t o) {
  double sum = 0.0;
  for (int64_t c = 0; c < op.in_channels; ++c) {
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 3; ++j) {
        const float value = x.row(2 * t + i)[(2 * f + j) * op.in_channels + c];
        sum += double{WeightElement(w, o, c * 9 + i * 3 + j)} * double{value};
      }
    }
  }
  return sum;
}

}  // namespace

void Run(const Conv2dReluOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  const Weight& w = operands.At(op.weight);
  for (int64_t t = 0; t < y.rows; ++t) {
    for (int64_t f = 0; f < op.out_frequencies; ++f) {
      for (int64_t o = 0; o < op.out_channels; ++o) {
        const double bias = double{WeightElement(operands.At(op.bias), 0, o)};
        y.row(t)[f * op.out_channels + o] =
            static_cast<float>(Activate(Activation::kRelu, bias + WindowSum(op, x, w, t, f, o)));
      }
    }
  }
}

}  // namespace espalier::reference
