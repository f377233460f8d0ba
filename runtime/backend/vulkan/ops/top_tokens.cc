#include "shaders/params/top_tokens.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const TopTokensOp& op, Lowering& lowering) {
  const Tensor log_probs = lowering.At(op.log_probs), allowed = lowering.At(op.allowed);
  const Tensor tokens = lowering.At(op.tokens), scores = lowering.At(op.scores);
  const TopTokensParams params{.rows = lowering.Rows(op.log_probs),
                               .columns = static_cast<uint32_t>(op.log_probs.column_count),
                               .count = static_cast<uint32_t>(op.tokens.column_count / 2),
                               .split_begin = static_cast<uint32_t>(op.split_begin),
                               .split_end = static_cast<uint32_t>(op.split_end),
                               .watched = static_cast<uint32_t>(op.watched),
                               .in_base = log_probs.base,
                               .in_stride = log_probs.stride,
                               .allowed_base = allowed.base,
                               .allowed_stride = allowed.stride,
                               .tokens_base = tokens.base,
                               .tokens_stride = tokens.stride,
                               .scores_base = scores.base,
                               .scores_stride = scores.stride};
  return lowering.Add(
      {.shader = Shader::kTopTokens,
       .constants = {lowering.tuning().reduce_threads},
       .bindings = {log_probs.Read(), allowed.Read(), tokens.Write(), scores.Write()},
       .x = {.rows = params.rows}},
      params);
}

}  // namespace espalier::vulkan
