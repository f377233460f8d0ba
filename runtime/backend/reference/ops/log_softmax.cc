#include <algorithm>
#include <cmath>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const LogSoftmaxOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  for (int64_t r = 0; r < x.rows; ++r) {
    const double largest = double{*std::max_element(x.row(r), x.row(r) + x.columns)};
    double total = 0.0;
    for (int64_t c = 0; c < x.columns; ++c) total += std::exp(double{x.row(r)[c]} - largest);
    const double subtrahend = largest + std::log(total);
    for (int64_t c = 0; c < x.columns; ++c) {
      y.row(r)[c] = static_cast<float>(double{x.row(r)[c]} - subtrahend);
    }
  }
}

}  // namespace espalier::reference
