#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y[0,c] = mean over all rows of x[·,c]   (what the gate predictor sees, spec §11.1)
//   input: (rows, width) f32   output: (1, width) f32
struct MeanPoolOp {
  TensorRef input;
  TensorRef output;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Write("output", output);
  }
};

}  // namespace espalier
