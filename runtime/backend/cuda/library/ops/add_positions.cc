#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const AddPositionsOp& op, Lowering& lowering) {
  ESP_ASSIGN_OR_RETURN(const float* table, lowering.Floats(op.table));
  lowering.Add([=, rows = lowering.Rows(op.input), input = lowering.At(op.input),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchAddPositions({.rows = frame.Count(rows),
                        .columns = op.input.column_count,
                        .input = frame.Read(input),
                        .table = table,
                        .output = frame.At(output),
                        .scale = op.scale},
                       frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
