#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y[r] = table[tokens[r]] · scale + position_table[positions[r]]   (spec §7; gate rows, spec §11.2)
//   tokens, positions: (R, 1) i32, in range (the caller checks)
//   table: (vocabulary, width), any storage
//   position_table: (positions, width) or none; then `positions` is none too   output: (R, width)
struct EmbedOp {
  TensorRef tokens;
  TensorRef positions = {};
  WeightRef table;
  WeightRef position_table = {};
  TensorRef output;
  float scale = 1.0f;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("tokens", tokens);
    v.Read("positions", positions);
    v.Constant("table", table);
    v.Constant("position_table", position_table);
    v.Write("output", output);
    v.Parameter("scale", scale);
  }
};

}  // namespace espalier
