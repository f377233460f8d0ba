#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y = x - log Σ exp(x) over each row, in f32 with the maximum taken out first.
//   input, output: (rows, columns) f32, may be the same
struct LogSoftmaxOp {
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
