#include "runtime/backend/cuda/library/ops/product.h"

namespace espalier::cuda {

// An output row has a position per frequency, which reads three neighbouring frequencies (one
// segment) of three input rows.
Status Lower(const Conv2dReluOp& op, Lowering& lowering) {
  return AddProduct({.input = op.input,
                     .output = op.output,
                     .weight = op.weight,
                     .bias = op.bias,
                     .activation = espalier::Activation::kRelu,
                     .taps = 9,
                     .positions = op.out_frequencies,
                     .row_step = 2,
                     .position_step = 2 * op.in_channels,
                     .segments = 3,
                     .segment_length = 3 * op.in_channels},
                    lowering);
}

}  // namespace espalier::cuda
