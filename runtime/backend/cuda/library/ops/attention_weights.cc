#include <cmath>

#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Status Lower(const AttentionWeightsOp& op, Lowering& lowering) {
  lowering.Add([=, rows = lowering.Rows(op.query), keys = lowering.Rows(op.key),
                query = lowering.At(op.query), key = lowering.At(op.key),
                weights = lowering.At(op.weights)](const Frame& frame) {
    const int32_t width = op.query.column_count;
    LaunchAttentionWeights({.rows = frame.Count(rows),
                            .keys = frame.Count(keys),
                            .query = frame.Read(query),
                            .key = frame.NumbersAt(key),
                            .weights = frame.At(weights),
                            .width = width,
                            .score_scale = 1.0f / std::sqrt(static_cast<float>(width)),
                            .weight_scale = op.scale,
                            .accumulate = op.accumulate},
                           frame.stream);
  });
  return OkStatus();
}

}  // namespace espalier::cuda
