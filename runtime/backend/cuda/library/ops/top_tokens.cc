#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const TopTokensOp& op, Lowering& lowering) {
  lowering.Add([=, rows = lowering.Rows(op.log_probs), log_probs = lowering.At(op.log_probs),
                allowed = lowering.At(op.allowed), tokens = lowering.At(op.tokens),
                scores = lowering.At(op.scores)](const Frame& frame) {
    LaunchTopTokens({.rows = frame.Count(rows),
                     .columns = op.log_probs.column_count,
                     .count = op.tokens.column_count / 2,
                     .split_begin = op.split_begin,
                     .split_end = op.split_end,
                     .watched = op.watched,
                     .log_probs = frame.Read(log_probs),
                     .allowed = frame.Indices(allowed),
                     .tokens = frame.WritableIndices(tokens),
                     .scores = frame.At(scores)},
                    frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
