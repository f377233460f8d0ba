#include "shaders/params/gather_columns.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const GatherColumnsOp& op, Lowering& lowering) {
  const uint32_t lanes = lowering.tuning().lanes;
  const Tensor input = lowering.At(op.input), indices = lowering.At(op.indices);
  const Tensor output = lowering.At(op.output);
  const GatherColumnsParams params{.rows = lowering.Rows(op.output),
                                   .columns = static_cast<uint32_t>(op.output.column_count),
                                   .indices_base = indices.base,
                                   .in_base = input.base,
                                   .in_stride = input.stride,
                                   .out_base = output.base,
                                   .out_stride = output.stride};
  return lowering.Add({.shader = Shader::kGatherColumns,
                       .constants = {lanes},
                       .bindings = {input.Read(), indices.Read(), output.Write()},
                       .x = {.rows = params.columns, .divisor = lanes},
                       .y = {.rows = params.rows}},
                      params);
}

}  // namespace espalier::vulkan
