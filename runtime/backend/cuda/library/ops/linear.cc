#include "runtime/backend/cuda/library/ops/product.h"

namespace espalier::cuda {

Status Lower(const LinearOp& op, Lowering& lowering) {
  return AddProduct({.input = op.input,
                     .output = op.output,
                     .weight = op.weight,
                     .bias = op.bias,
                     .activation = op.activation,
                     .scale = op.scale,
                     .residual = op.residual,
                     .segment_length = op.input.column_count},
                    lowering);
}

}  // namespace espalier::cuda
