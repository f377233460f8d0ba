#include <limits>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const GatherColumnsOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.input), y = operands.F32(op.output);
  const int32_t* const indices = operands.I32(op.indices).row(0);
  for (int64_t r = 0; r < y.rows; ++r) {
    for (int64_t c = 0; c < y.columns; ++c) {
      y.row(r)[c] = indices[c] < 0 ? -std::numeric_limits<float>::infinity() : x.row(r)[indices[c]];
    }
  }
}

}  // namespace espalier::reference
