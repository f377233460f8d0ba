#include "runtime/backend/cuda/library/ops/product.h"

namespace espalier::cuda {

// Three input rows, one segment each.
Status Lower(const Conv1dOp& op, Lowering& lowering) {
  return AddProduct({.input = op.input,
                     .output = op.output,
                     .weight = op.weight,
                     .bias = op.bias,
                     .activation = op.activation,
                     .taps = 3,
                     .row_step = op.stride,
                     .padding = 1,
                     .segments = 3,
                     .segment_length = op.input.column_count},
                    lowering);
}

}  // namespace espalier::cuda
