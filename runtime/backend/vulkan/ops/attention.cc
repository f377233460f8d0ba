#include "shaders/params/attention.h"

#include <cmath>

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {
namespace {

// Up to here a query each is worth a workgroup; beyond, an invocation.
constexpr int32_t kFewRows = 8;
// Registers of attention.comp hold a query and a result of this width.
constexpr uint32_t kWidestHead = 128;

}  // namespace

Status Lower(const AttentionOp& op, Lowering& lowering) {
  const Tuning& tuning = lowering.tuning();
  const Tensor query = lowering.At(op.query), key = lowering.At(op.key);
  const Tensor value = lowering.At(op.value), output = lowering.At(op.output);
  const auto heads = static_cast<uint32_t>(op.heads);
  const uint32_t width = static_cast<uint32_t>(op.query.column_count) / heads;
  const AttentionParams params{.rows = lowering.Rows(op.query),
                               .keys = lowering.Rows(op.key),
                               .query_base = query.base,
                               .query_stride = query.stride,
                               .key_base = key.base,
                               .key_stride = key.stride,
                               .value_base = value.base,
                               .value_stride = value.stride,
                               .out_base = output.base,
                               .out_stride = output.stride,
                               .scale = 1.0f / std::sqrt(static_cast<float>(width)),
                               .lane_count = 0,
                               .positions_base = 0,
                               .positions_stride = 0,
                               .lanes_base = 0,
                               .lanes_stride = 0,
                               .history_base = 0,
                               .history_stride = 0};
  if (lowering.MostRows(op.query) <= kFewRows || width > kWidestHead) {
    return lowering.Add({.shader = Shader::kAttentionRows,
                         .constants = {tuning.reduce_threads, width, false},
                         .bindings = {query.Read(), key.Read(), value.Read(), output.Write(),
                                      Binding{}, Binding{}, Binding{}},
                         .x = {.rows = params.rows},
                         .y = {.rows = heads}},
                        params);
  }
  const bool vectors = width % 4 == 0 && key.base % 4 == 0 && key.stride % 4 == 0 &&
                       value.base % 4 == 0 && value.stride % 4 == 0;
  return lowering.Add(
      {.shader = Shader::kAttention,
       .constants = {tuning.attention_lanes, width, vectors, tuning.attention_block},
       .bindings = {query.Read(), key.Read(), value.Read(), output.Write()},
       .x = {.rows = params.rows, .divisor = tuning.attention_lanes},
       .y = {.rows = heads}},
      params);
}

}  // namespace espalier::vulkan
