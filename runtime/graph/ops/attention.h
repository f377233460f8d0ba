#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// Multi-head attention over all keys (encoder self-attention, decoder source attention; spec §5,
// §7).
//   query, output: (query rows, width) f32   key, value: (key rows, width), both f32 or both f16
//   heads are contiguous slices of width / heads columns; scores · 1/sqrt(width / heads);
//   softmax in f32 over all key rows; output must not overlap query, key or value
struct AttentionOp {
  TensorRef query;
  TensorRef key;
  TensorRef value;
  TensorRef output;
  int32_t heads = 1;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("query", query);
    v.Read("key", key);
    v.Read("value", value);
    v.Write("output", output);
    v.Parameter("heads", heads);
  }
};

}  // namespace espalier
