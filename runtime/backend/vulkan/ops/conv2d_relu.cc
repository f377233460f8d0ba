#include "runtime/backend/vulkan/ops/gemm.h"

namespace espalier::vulkan {

// Implicit GEMM: an output row has a position per frequency, which reads three neighbouring
// frequencies (one segment) of three input rows.
Status Lower(const Conv2dReluOp& op, Lowering& lowering) {
  const auto channels = static_cast<uint32_t>(op.in_channels);
  return AddGemm({.input = op.input,
                  .output = op.output,
                  .weight = op.weight,
                  .bias = op.bias,
                  .activation = Activation::kRelu,
                  .taps = 9,
                  .positions = static_cast<uint32_t>(op.out_frequencies),
                  .row_step = 2,
                  .position_step = 2 * channels,
                  .segments = 3,
                  .segment_length = 3 * channels},
                 lowering);
}

}  // namespace espalier::vulkan
