#include "shaders/params/mean_pool.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const MeanPoolOp& op, Lowering& lowering) {
  const Tuning& tuning = lowering.tuning();
  const Tensor input = lowering.At(op.input), output = lowering.At(op.output);
  const MeanPoolParams params{.rows = lowering.Rows(op.input),
                              .columns = static_cast<uint32_t>(op.input.column_count),
                              .in_base = input.base,
                              .in_stride = input.stride,
                              .out_base = output.base};
  return lowering.Add({.shader = Shader::kMeanPool,
                       .constants = {tuning.gemv_lanes, tuning.gemv_slices},
                       .bindings = {input.Read(), output.Write()},
                       .x = {.rows = params.columns, .divisor = tuning.gemv_lanes}},
                      params);
}

}  // namespace espalier::vulkan
