#include "shaders/params/log_softmax.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const LogSoftmaxOp& op, Lowering& lowering) {
  const Tensor input = lowering.At(op.input), output = lowering.At(op.output);
  const LogSoftmaxParams params{.rows = lowering.Rows(op.input),
                                .columns = static_cast<uint32_t>(op.input.column_count),
                                .in_base = input.base,
                                .in_stride = input.stride,
                                .out_base = output.base,
                                .out_stride = output.stride};
  return lowering.Add({.shader = Shader::kLogSoftmax,
                       .constants = {lowering.tuning().reduce_threads},
                       .bindings = {input.Read(), output.Write()},
                       .x = {.rows = params.rows}},
                      params);
}

}  // namespace espalier::vulkan
