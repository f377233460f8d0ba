#include <algorithm>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const GatherRowsOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input);
  const MatrixView<const int32_t> indices = operands.I32(op.indices);
  const MatrixView<float> y = operands.F32(op.output);
  for (int64_t r = 0; r < y.rows; ++r) {
    std::copy_n(x.row(*indices.row(r)), y.columns, y.row(r));
  }
}

}  // namespace espalier::reference
