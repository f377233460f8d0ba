#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y[r][c] = x[r][indices[c]], -inf where indices[c] is negative: the scores of a whole vocabulary
// from those of the tokens that the output layer was cut down to.
//   input: (rows, n) f32   indices: (1, columns) i32, below n (the caller checks)
//   output: (rows, columns) f32; must not overlap input
struct GatherColumnsOp {
  TensorRef input;
  TensorRef indices;
  TensorRef output;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Read("indices", indices);
    v.Write("output", output);
  }
};

}  // namespace espalier
