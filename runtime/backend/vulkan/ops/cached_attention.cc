#include "runtime/backend/vulkan/ops/attention.h"
#include "shaders/params/cache_write.h"

namespace espalier::vulkan {
namespace {

// Every row's key and value to the cache, before any row attends.
Status AddWrite(const CachedAttentionOp& op, Lowering& lowering) {
  const uint32_t lanes = lowering.tuning().lanes;
  const Tensor key = lowering.At(op.key), value = lowering.At(op.value);
  const Tensor key_cache = lowering.At(op.key_cache), value_cache = lowering.At(op.value_cache);
  const Tensor positions = lowering.At(op.positions), row_lanes = lowering.At(op.lanes);
  const CacheWriteParams params{.rows = lowering.Rows(op.key),
                                .columns = static_cast<uint32_t>(op.key.column_count),
                                .key_base = key.base,
                                .key_stride = key.stride,
                                .value_base = value.base,
                                .value_stride = value.stride,
                                .key_cache_base = key_cache.base,
                                .key_cache_stride = key_cache.stride,
                                .value_cache_base = value_cache.base,
                                .value_cache_stride = value_cache.stride,
                                .lane_count = static_cast<uint32_t>(op.lane_count),
                                .positions_base = positions.base,
                                .positions_stride = positions.stride,
                                .lanes_base = row_lanes.base,
                                .lanes_stride = row_lanes.stride};
  return lowering.Add(
      {.shader = Shader::kCacheWrite,
       .constants = {lanes, key_cache.is_half},
       .bindings = {key.Read(), value.Read(), key_cache.Write(), value_cache.Write(),
                    positions.Read(), row_lanes.Read()},
       .x = {.rows = params.columns / (key_cache.is_half ? 2 : 1), .divisor = lanes},
       .y = {.rows = params.rows}},
      params);
}

}  // namespace

Status Lower(const CachedAttentionOp& op, Lowering& lowering) {
  ESP_RETURN_IF_ERROR(AddWrite(op, lowering));
  const AttentionWindows windows{.query = lowering.At(op.query),
                                 .key = lowering.At(op.key_cache),
                                 .value = lowering.At(op.value_cache),
                                 .output = lowering.At(op.output)};
  const auto& [query, key, value, output] = windows;
  const Tensor positions = lowering.At(op.positions), lanes = lowering.At(op.lanes);
  const Tensor history = lowering.At(op.history);
  const auto heads = static_cast<uint32_t>(op.heads);
  const uint32_t width = static_cast<uint32_t>(op.query.column_count) / heads;
  AttentionParams params = AttentionParamsOf(lowering.Rows(op.query), width, windows);
  params.lane_count = static_cast<uint32_t>(op.lane_count);
  params.positions_base = positions.base;
  params.positions_stride = positions.stride;
  params.lanes_base = lanes.base;
  params.lanes_stride = lanes.stride;
  params.history_base = history.base;
  params.history_stride = history.stride;
  return lowering.Add({.shader = Shader::kAttentionRows,
                       .constants = {lowering.tuning().reduce_threads, width, true, key.is_half},
                       .bindings = {query.Read(), key.Read(), value.Read(), output.Write(),
                                    positions.Read(), lanes.Read(), history.Read()},
                       .x = {.rows = params.rows},
                       .y = {.rows = heads}},
                      params);
}

}  // namespace espalier::vulkan
