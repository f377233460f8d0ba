#include "shaders/params/ctc_prefix_score.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const CtcPrefixScoreOp& op, Lowering& lowering) {
  const Tensor log_probs = lowering.At(op.log_probs), tokens = lowering.At(op.tokens);
  const Tensor hypotheses = lowering.At(op.hypotheses), state = lowering.At(op.state);
  const Tensor scores = lowering.At(op.scores);
  const auto most_steps = static_cast<uint32_t>(lowering.MostRows(op.state) / 2);
  const CtcPrefixScoreParams params{.rows = lowering.Rows(op.tokens),
                                    .steps = lowering.Rows(op.log_probs),
                                    .candidates = static_cast<uint32_t>(op.tokens.column_count),
                                    .blank = static_cast<uint32_t>(op.blank),
                                    .eos = static_cast<uint32_t>(op.eos),
                                    .log_zero = kCtcLogZero,
                                    .log_probs_base = log_probs.base,
                                    .log_probs_stride = log_probs.stride,
                                    .tokens_base = tokens.base,
                                    .tokens_stride = tokens.stride,
                                    .hypotheses_base = hypotheses.base,
                                    .hypotheses_stride = hypotheses.stride,
                                    .label_base = state.base,
                                    .blank_base = state.base + most_steps * state.stride,
                                    .state_stride = state.stride,
                                    .scores_base = scores.base,
                                    .scores_stride = scores.stride};
  return lowering.Add({.shader = Shader::kCtcPrefixScore,
                       .constants = {lowering.tuning().reduce_threads},
                       .bindings = {log_probs.Read(), tokens.Read(), hypotheses.Read(),
                                    state.Write(), scores.Write()},
                       .x = {.rows = params.rows},
                       .y = {.rows = params.candidates}},
                      params);
}

}  // namespace espalier::vulkan
