#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const EmbedOp& op, Lowering& lowering) {
  ESP_ASSIGN_OR_RETURN(const Matrix table, lowering.UploadMatrix(op.table));
  ESP_ASSIGN_OR_RETURN(const float* position_table, lowering.Floats(op.position_table));
  lowering.Add([=, rows = lowering.Rows(op.output), tokens = lowering.At(op.tokens),
                positions = lowering.At(op.positions),
                output = lowering.At(op.output)](const Frame& frame) {
    LaunchEmbed({.rows = frame.Count(rows),
                 .columns = op.output.column_count,
                 .tokens = frame.Indices(tokens),
                 .positions = frame.Indices(positions),
                 .table = table,
                 .position_table = position_table,
                 .output = frame.At(output),
                 .scale = op.scale},
                frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
