#include "runtime/backend/vulkan/ops/gemm.h"

namespace espalier::vulkan {

// Implicit GEMM: three input rows, one segment each.
Status Lower(const Conv1dOp& op, Lowering& lowering) {
  return AddGemm({.input = op.input,
                  .output = op.output,
                  .weight = op.weight,
                  .bias = op.bias,
                  .activation = op.activation,
                  .taps = 3,
                  .row_step = static_cast<uint32_t>(op.stride),
                  .padding = 1,
                  .segments = 3,
                  .segment_length = static_cast<uint32_t>(op.input.column_count)},
                 lowering);
}

}  // namespace espalier::vulkan
