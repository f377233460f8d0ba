#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y[r] = x[indices[r]]: the rows of a prompt whose logits are wanted, before the output layer.
//   input: (rows, width) f32   indices: (R, 1) i32, in range (the caller checks)   output: (R, width)
struct GatherRowsOp {
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
