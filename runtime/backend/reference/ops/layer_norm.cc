#include <cmath>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const LayerNormOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  const auto columns = static_cast<double>(x.columns);
  for (int64_t r = 0; r < x.rows; ++r) {
    double sum = 0.0;
    for (int64_t c = 0; c < x.columns; ++c) sum += double{x.row(r)[c]};
    const double mean = sum / columns;
    double squares = 0.0;
    for (int64_t c = 0; c < x.columns; ++c) {
      const double centred = double{x.row(r)[c]} - mean;
      squares += centred * centred;
    }
    const double inverse = 1.0 / std::sqrt(squares / columns + double{op.epsilon});
    for (int64_t c = 0; c < x.columns; ++c) {
      const double gamma = double{WeightElement(operands.At(op.gamma), 0, c)};
      const double beta = double{WeightElement(operands.At(op.beta), 0, c)};
      y.row(r)[c] = static_cast<float>((double{x.row(r)[c]} - mean) * inverse * gamma + beta);
    }
  }
}

}  // namespace espalier::reference
