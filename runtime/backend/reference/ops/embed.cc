#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const EmbedOp& op, const Operands& operands) {
  const MatrixView<const int32_t> tokens = operands.I32(op.tokens);
  const MatrixView<float> y = operands.F32(op.output);
  for (int64_t r = 0; r < y.rows; ++r) {
    for (int64_t c = 0; c < y.columns; ++c) {
      double value =
          double{WeightElement(operands.At(op.table), *tokens.row(r), c)} * double{op.scale};
      if (op.positions.present()) {
        const int32_t position = *operands.I32(op.positions).row(r);
        value += double{WeightElement(operands.At(op.position_table), position, c)};
      }
      y.row(r)[c] = static_cast<float>(value);
    }
  }
}

}  // namespace espalier::reference
