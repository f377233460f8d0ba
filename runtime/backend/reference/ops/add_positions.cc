#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const AddPositionsOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t c = 0; c < x.columns; ++c) {
      y.row(t)[c] = static_cast<float>(double{x.row(t)[c]} * double{op.scale} +
                                       double{WeightElement(operands.At(op.table), t, c)});
    }
  }
}

}  // namespace espalier::reference
