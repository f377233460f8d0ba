#include "shaders/params/depthwise_conv.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const DepthwiseConvOp& op, Lowering& lowering) {
  const Tuning& tuning = lowering.tuning();
  const Tensor input = lowering.At(op.input), output = lowering.At(op.output);
  const Tensor multiplier = lowering.At(op.multiplier);
  ESP_ASSIGN_OR_RETURN(const Binding weight,
                       lowering.UploadFloats(op.weight, WeightLayout::Order::kTransposed));
  ESP_ASSIGN_OR_RETURN(const Binding bias,
                       lowering.UploadFloats(op.bias, WeightLayout::Order::kRows));
  const DepthwiseConvParams params{
      .rows = lowering.Rows(op.input),
      .columns = static_cast<uint32_t>(op.input.column_count),
      .kernel = static_cast<uint32_t>(lowering.WeightOf(op.weight).columns),
      .in_base = input.base,
      .in_stride = input.stride,
      .multiplier_base = multiplier.base,
      .multiplier_stride = multiplier.stride,
      .out_base = output.base,
      .out_stride = output.stride};
  return lowering.Add(
      {.shader = Shader::kDepthwiseConv,
       .constants = {tuning.lanes, tuning.conv_steps, op.multiplier.present(), op.add_input},
       .bindings = {input.Read(), weight, bias, multiplier.Read(), output.Write()},
       .x = {.rows = params.columns, .divisor = tuning.lanes},
       .y = {.rows = params.rows, .divisor = tuning.conv_steps}},
      params);
}

}  // namespace espalier::vulkan
