#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// Causal self-attention of the decoder over a key/value cache (spec §7, §10).
//
// Each of the R rows is one token of one hypothesis. First every row writes its key and value to
// the cache row `position · lane_count + lane`; then row r attends to positions 0 … position[r] of
// its own hypothesis. Which lane holds position p of the hypothesis in lane l is
// history[l · position_count + p]: after a beam step only these indices are rearranged, cached
// keys and values never move. A prompt is fed as R rows of one lane with rising positions.
//
//   query, key, value, output: (R, width) f32; output must not overlap the others
//   key_cache, value_cache: (position_count · lane_count, width), both f32 or both f16, external
//   positions, lanes: (R, 1) i32   history: (lane_count, position_count) i32
// The caller fills history[lane][position] = lane for the rows it submits.
struct CachedAttentionOp {
  TensorRef query;
  TensorRef key;
  TensorRef value;
  TensorRef key_cache;
  TensorRef value_cache;
  TensorRef positions;
  TensorRef lanes;
  TensorRef history;
  TensorRef output;
  int32_t heads = 1;
  int32_t lane_count = 1;
  int32_t position_count = 0;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("query", query);
    v.Read("key", key);
    v.Read("value", value);
    v.Update("key_cache", key_cache);
    v.Update("value_cache", value_cache);
    v.Read("positions", positions);
    v.Read("lanes", lanes);
    v.Read("history", history);
    v.Write("output", output);
    v.Parameter("heads", heads);
    v.Parameter("lane_count", lane_count);
    v.Parameter("position_count", position_count);
  }
};

}  // namespace espalier
