// The attention whose keys are split over blocks (cuda/attention_rows.cu), as a step of both
// attention ops.
#pragma once

#include <utility>

#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

// `shape`: the sizes at the most rows, for the scratch; `params_on(frame)`: what is launched.
template <typename ParamsOn>
void AddAttentionRows(const AttentionParams& shape, ParamsOn params_on, Lowering& lowering) {
  const size_t part_bytes = AttentionPartBytes(shape);
  lowering.NeedScratch(part_bytes);
  lowering.Add(
      [params_on = std::move(params_on)](const Frame& frame) {
        LaunchAttentionRows(params_on(frame), reinterpret_cast<float*>(frame.scratch),
                            frame.stream);
      },
      part_bytes > 0 ? 2 : 1);
}

}  // namespace espalier::cuda
