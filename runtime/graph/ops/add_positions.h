#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y[t] = x[t] · scale + table[t]   (spec §4; Whisper's learned encoder positions with scale 1)
//   input, output: (steps, width) f32, may be the same   table: (≥ steps, width)
struct AddPositionsOp {
  TensorRef input;
  WeightRef table;
  TensorRef output;
  float scale = 1.0f;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Constant("table", table);
    v.Write("output", output);
    v.Parameter("scale", scale);
  }
};

}  // namespace espalier
