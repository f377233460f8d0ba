#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const LayerNormOp& op, Lowering& lowering) {
  ESP_ASSIGN_OR_RETURN(const float* gamma, lowering.Floats(op.gamma));
  ESP_ASSIGN_OR_RETURN(const float* beta, lowering.Floats(op.beta));
  lowering.Add([=, rows = lowering.Rows(op.input), input = lowering.At(op.input),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchLayerNorm({.rows = frame.Count(rows),
                     .columns = op.input.column_count,
                     .input = frame.Read(input),
                     .gamma = gamma,
                     .beta = beta,
                     .output = frame.At(output),
                     .epsilon = op.epsilon},
                    frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
