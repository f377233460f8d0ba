#include "runtime/backend/vulkan/ops/gemm.h"

namespace espalier::vulkan {

Status Lower(const LinearOp& op, Lowering& lowering) {
  return AddGemm({.input = op.input,
                  .output = op.output,
                  .weight = op.weight,
                  .bias = op.bias,
                  .residual = op.residual,
                  .activation = op.activation,
                  .scale = op.scale,
                  .segment_length = static_cast<uint32_t>(op.input.column_count)},
                 lowering);
}

}  // namespace espalier::vulkan
