#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const MeanPoolOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  for (int64_t c = 0; c < x.columns; ++c) {
    double sum = 0.0;
    for (int64_t r = 0; r < x.rows; ++r) sum += double{x.row(r)[c]};
    // The mean of nothing is zero rather than NaN: an empty window must not poison the gates.
    y.row(0)[c] = static_cast<float>(x.rows > 0 ? sum / static_cast<double>(x.rows) : 0.0);
  }
}

}  // namespace espalier::reference
