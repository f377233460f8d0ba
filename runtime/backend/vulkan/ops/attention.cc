#include "runtime/backend/vulkan/ops/attention.h"

#include <cmath>

namespace espalier::vulkan {
namespace {

// Up to here a query each is worth a workgroup; beyond, an invocation.
constexpr int32_t kFewRows = 8;
// Registers of attention.comp hold a query and a result of this width.
constexpr uint32_t kWidestHead = 128;

}  // namespace

AttentionParams AttentionParamsOf(uint32_t rows, uint32_t width, const AttentionWindows& windows) {
  AttentionParams params = {};
  params.rows = rows;
  params.query_base = windows.query.base;
  params.query_stride = windows.query.stride;
  params.key_base = windows.key.base;
  params.key_stride = windows.key.stride;
  params.value_base = windows.value.base;
  params.value_stride = windows.value.stride;
  params.out_base = windows.output.base;
  params.out_stride = windows.output.stride;
  params.scale = 1.0f / std::sqrt(static_cast<float>(width));
  return params;
}

Status Lower(const AttentionOp& op, Lowering& lowering) {
  const Tuning& tuning = lowering.tuning();
  const AttentionWindows windows{.query = lowering.At(op.query),
                                 .key = lowering.At(op.key),
                                 .value = lowering.At(op.value),
                                 .output = lowering.At(op.output)};
  const auto& [query, key, value, output] = windows;
  const auto heads = static_cast<uint32_t>(op.heads);
  const uint32_t width = static_cast<uint32_t>(op.query.column_count) / heads;
  AttentionParams params = AttentionParamsOf(lowering.Rows(op.query), width, windows);
  params.keys = lowering.Rows(op.key);
  if (lowering.MostRows(op.query) <= kFewRows || width > kWidestHead) {
    return lowering.Add({.shader = Shader::kAttentionRows,
                         .constants = {tuning.reduce_threads, width, false, key.is_half},
                         .bindings = {query.Read(), key.Read(), value.Read(), output.Write(),
                                      Binding{}, Binding{}, Binding{}},
                         .x = {.rows = params.rows},
                         .y = {.rows = heads}},
                        params);
  }
  const bool vectors = width % 4 == 0 && key.base % 4 == 0 && key.stride % 4 == 0 &&
                       value.base % 4 == 0 && value.stride % 4 == 0;
  if (tuning.share_loads && vectors && query.base % 4 == 0 && query.stride % 4 == 0) {
    return lowering.Add({.shader = Shader::kAttentionSubgroup,
                         .constants = {tuning.attention_lanes, width, key.is_half},
                         .bindings = {query.Read(), key.Read(), value.Read(), output.Write()},
                         .x = {.rows = params.rows, .divisor = tuning.attention_lanes},
                         .y = {.rows = heads}},
                        params);
  }
  return lowering.Add(
      {.shader = Shader::kAttention,
       .constants = {tuning.attention_lanes, width, vectors, tuning.attention_block, key.is_half},
       .bindings = {query.Read(), key.Read(), value.Read(), output.Write()},
       .x = {.rows = params.rows, .divisor = tuning.attention_lanes},
       .y = {.rows = heads}},
      params);
}

}  // namespace espalier::vulkan
