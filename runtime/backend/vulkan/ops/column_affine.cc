#include "shaders/params/column_affine.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const ColumnAffineOp& op, Lowering& lowering) {
  const uint32_t lanes = lowering.tuning().lanes;
  const Tensor input = lowering.At(op.input), output = lowering.At(op.output);
  ESP_ASSIGN_OR_RETURN(const Binding scale,
                       lowering.UploadFloats(op.scale, WeightLayout::Order::kRows));
  ESP_ASSIGN_OR_RETURN(const Binding shift,
                       lowering.UploadFloats(op.shift, WeightLayout::Order::kRows));
  const ColumnAffineParams params{.rows = lowering.Rows(op.input),
                                  .columns = static_cast<uint32_t>(op.input.column_count),
                                  .in_base = input.base,
                                  .in_stride = input.stride,
                                  .out_base = output.base,
                                  .out_stride = output.stride};
  return lowering.Add({.shader = Shader::kColumnAffine,
                       .constants = {lanes, op.scale.present(), op.shift.present()},
                       .bindings = {input.Read(), scale, shift, output.Write()},
                       .x = {.rows = params.columns, .divisor = lanes},
                       .y = {.rows = params.rows}},
                      params);
}

}  // namespace espalier::vulkan
