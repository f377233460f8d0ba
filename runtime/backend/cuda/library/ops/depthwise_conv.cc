#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const DepthwiseConvOp& op, Lowering& lowering) {
  ESP_ASSIGN_OR_RETURN(const float* weight,
                       lowering.Floats(op.weight, {.order = WeightLayout::Order::kTransposed}));
  ESP_ASSIGN_OR_RETURN(const float* bias, lowering.Floats(op.bias));
  const auto kernel = static_cast<int32_t>(lowering.WeightOf(op.weight).columns);
  lowering.Add([=, rows = lowering.Rows(op.input), input = lowering.At(op.input),
                multiplier = lowering.At(op.multiplier),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchDepthwiseConv({.rows = frame.Count(rows),
                         .columns = op.input.column_count,
                         .kernel = kernel,
                         .input = frame.Read(input),
                         .weight = weight,
                         .bias = bias,
                         .multiplier = frame.Read(multiplier),
                         .add_input = op.add_input,
                         .output = frame.At(output)},
                        frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
