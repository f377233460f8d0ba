#include <cmath>

#include "runtime/backend/cuda/library/ops/attention_rows.h"

namespace espalier::cuda {
namespace {

// Every row's key and value to the cache, before any row attends.
void AddWrite(const CachedAttentionOp& op, Lowering& lowering) {
  lowering.Add([=, rows = lowering.Rows(op.key), key = lowering.At(op.key),
                value = lowering.At(op.value), key_cache = lowering.At(op.key_cache),
                value_cache = lowering.At(op.value_cache), positions = lowering.At(op.positions),
                lanes = lowering.At(op.lanes)](const Frame& frame) {
    LaunchCacheWrite({.rows = frame.Count(rows),
                      .columns = op.key.column_count,
                      .key = frame.Read(key),
                      .value = frame.Read(value),
                      .key_cache = frame.NumbersAt(key_cache),
                      .value_cache = frame.NumbersAt(value_cache),
                      .positions = frame.Indices(positions),
                      .lanes = frame.Indices(lanes),
                      .lane_count = op.lane_count},
                     frame.stream);
  });
}

}  // namespace

Status Lower(const CachedAttentionOp& op, Lowering& lowering) {
  AddWrite(op, lowering);
  const int32_t width = op.query.column_count / op.heads;
  const auto params_on = [=, rows = lowering.Rows(op.query), query = lowering.At(op.query),
                          key = lowering.At(op.key_cache), value = lowering.At(op.value_cache),
                          positions = lowering.At(op.positions), lanes = lowering.At(op.lanes),
                          history = lowering.At(op.history),
                          output = lowering.At(op.output)](const Frame& frame) {
    return AttentionParams{.rows = frame.Count(rows),
                           .query = frame.Read(query),
                           .key = frame.NumbersAt(key),
                           .value = frame.NumbersAt(value),
                           .output = frame.At(output),
                           .heads = op.heads,
                           .width = width,
                           .scale = 1.0f / std::sqrt(static_cast<float>(width)),
                           .positions = frame.Indices(positions),
                           .lanes = frame.Indices(lanes),
                           .history = frame.Indices(history),
                           .lane_count = op.lane_count,
                           .position_count = op.position_count};
  };
  // Only its sizes count; whether there is a history decides what they mean.
  const int32_t any = 0;
  AttentionParams shape;
  shape.rows.most = lowering.Rows(op.query).most;
  shape.heads = op.heads;
  shape.width = width;
  shape.position_count = op.position_count;
  shape.history.data = &any;
  AddAttentionRows(shape, params_on, lowering);
  return OkStatus();
}

}  // namespace espalier::cuda
