#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const ColumnAffineOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<float> y = operands.F32(op.output);
  for (int64_t r = 0; r < x.rows; ++r) {
    for (int64_t c = 0; c < x.columns; ++c) {
      const double scale =
          op.scale.present() ? double{WeightElement(operands.At(op.scale), 0, c)} : 1.0;
      const double shift =
          op.shift.present() ? double{WeightElement(operands.At(op.shift), 0, c)} : 0.0;
      y.row(r)[c] = static_cast<float>(double{x.row(r)[c]} * scale + shift);
    }
  }
}

}  // namespace espalier::reference
