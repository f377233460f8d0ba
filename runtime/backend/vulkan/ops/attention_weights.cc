#include "shaders/params/attention_weights.h"

#include <cmath>

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

Status Lower(const AttentionWeightsOp& op, Lowering& lowering) {
  const Tensor query = lowering.At(op.query), key = lowering.At(op.key);
  const Tensor weights = lowering.At(op.weights);
  const auto width = static_cast<uint32_t>(op.query.column_count);
  const AttentionWeightsParams params{.rows = lowering.Rows(op.query),
                                      .keys = lowering.Rows(op.key),
                                      .query_base = query.base,
                                      .query_stride = query.stride,
                                      .key_base = key.base,
                                      .key_stride = key.stride,
                                      .out_base = weights.base,
                                      .out_stride = weights.stride,
                                      .score_scale = 1.0f / std::sqrt(static_cast<float>(width)),
                                      .weight_scale = op.scale};
  return lowering.Add(
      {.shader = Shader::kAttentionWeights,
       .constants = {lowering.tuning().reduce_threads, width, op.accumulate, key.is_half},
       .bindings = {query.Read(), key.Read(), weights.Write()},
       .x = {.rows = params.rows}},
      params);
}

}  // namespace espalier::vulkan
