#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const CtcPrefixScoreOp& op, Lowering& lowering) {
  lowering.Add([=, rows = lowering.Rows(op.tokens), steps = lowering.Rows(op.log_probs),
                most_steps = lowering.Rows(op.state).most / 2,
                log_probs = lowering.At(op.log_probs), tokens = lowering.At(op.tokens),
                hypotheses = lowering.At(op.hypotheses), state = lowering.At(op.state),
                scores = lowering.At(op.scores)](const Frame& frame) {
    LaunchCtcPrefixScore({.rows = frame.Count(rows),
                          .steps = frame.Count(steps),
                          .most_steps = most_steps,
                          .candidates = op.tokens.column_count,
                          .blank = op.blank,
                          .eos = op.eos,
                          .log_zero = kCtcLogZero,
                          .log_probs = frame.Read(log_probs),
                          .tokens = frame.Indices(tokens),
                          .hypotheses = frame.Indices(hypotheses),
                          .state = frame.At(state),
                          .scores = frame.At(scores)},
                         frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
