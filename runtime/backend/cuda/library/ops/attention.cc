#include <cmath>

#include "runtime/backend/cuda/library/ops/attention_rows.h"

namespace espalier::cuda {
namespace {

// Up to here the keys are split over blocks; beyond, the queries alone fill the device.
constexpr int32_t kFewRows = 16;

}  // namespace

Status Lower(const AttentionOp& op, Lowering& lowering) {
  const int32_t width = op.query.column_count / op.heads;
  const auto params_on = [=, rows = lowering.Rows(op.query), keys = lowering.Rows(op.key),
                          query = lowering.At(op.query), key = lowering.At(op.key),
                          value = lowering.At(op.value),
                          output = lowering.At(op.output)](const Frame& frame) {
    return AttentionParams{.rows = frame.Count(rows),
                           .query = frame.Read(query),
                           .key = frame.NumbersAt(key),
                           .value = frame.NumbersAt(value),
                           .output = frame.At(output),
                           .heads = op.heads,
                           .width = width,
                           .scale = 1.0f / std::sqrt(static_cast<float>(width)),
                           .keys = frame.Count(keys)};
  };
  const int32_t most_rows = lowering.Rows(op.query).most;
  if (most_rows > kFewRows && width <= kWidestTiledHead) {
    const Storage factors = lowering.FactorStorage();
    lowering.Add([params_on, factors](const Frame& frame) {
      factors == Storage::kF32 ? LaunchAttention(params_on(frame), frame.stream)
                               : LaunchAttentionTensor(params_on(frame), factors, frame.stream);
    });
    return OkStatus();
  }
  AttentionParams shape;
  shape.rows.most = most_rows;
  shape.keys.most = lowering.Rows(op.key).most;
  shape.heads = op.heads;
  shape.width = width;
  AddAttentionRows(shape, params_on, lowering);
  return OkStatus();
}

}  // namespace espalier::cuda
