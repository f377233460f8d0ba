#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const ColumnAffineOp& op, Lowering& lowering) {
  ESP_ASSIGN_OR_RETURN(const float* scale, lowering.Floats(op.scale));
  ESP_ASSIGN_OR_RETURN(const float* shift, lowering.Floats(op.shift));
  lowering.Add([=, rows = lowering.Rows(op.input), input = lowering.At(op.input),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchColumnAffine({.rows = frame.Count(rows),
                        .columns = op.input.column_count,
                        .input = frame.Read(input),
                        .scale = scale,
                        .shift = shift,
                        .output = frame.At(output)},
                       frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
