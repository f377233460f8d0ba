#include "shaders/params/layer_norm.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const LayerNormOp& op, Lowering& lowering) {
  const Tensor input = lowering.At(op.input), output = lowering.At(op.output);
  ESP_ASSIGN_OR_RETURN(const Binding gamma,
                       lowering.UploadFloats(op.gamma, WeightLayout::Order::kRows));
  ESP_ASSIGN_OR_RETURN(const Binding beta,
                       lowering.UploadFloats(op.beta, WeightLayout::Order::kRows));
  const LayerNormParams params{.rows = lowering.Rows(op.input),
                               .columns = static_cast<uint32_t>(op.input.column_count),
                               .in_base = input.base,
                               .in_stride = input.stride,
                               .out_base = output.base,
                               .out_stride = output.stride,
                               .epsilon = op.epsilon};
  return lowering.Add({.shader = Shader::kLayerNorm,
                       .constants = {lowering.tuning().reduce_threads},
                       .bindings = {input.Read(), gamma, beta, output.Write()},
                       .x = {.rows = params.rows}},
                      params);
}

}  // namespace espalier::vulkan
