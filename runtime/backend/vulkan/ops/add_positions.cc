#include "shaders/params/add_positions.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const AddPositionsOp& op, Lowering& lowering) {
  const uint32_t lanes = lowering.tuning().lanes;
  const Tensor input = lowering.At(op.input), output = lowering.At(op.output);
  ESP_ASSIGN_OR_RETURN(const Binding table,
                       lowering.UploadFloats(op.table, WeightLayout::Order::kRows));
  const AddPositionsParams params{.rows = lowering.Rows(op.input),
                                  .columns = static_cast<uint32_t>(op.input.column_count),
                                  .in_base = input.base,
                                  .in_stride = input.stride,
                                  .out_base = output.base,
                                  .out_stride = output.stride,
                                  .scale = op.scale};
  return lowering.Add({.shader = Shader::kAddPositions,
                       .constants = {lanes},
                       .bindings = {input.Read(), table, output.Write()},
                       .x = {.rows = params.columns, .divisor = lanes},
                       .y = {.rows = params.rows}},
                      params);
}

}  // namespace espalier::vulkan
