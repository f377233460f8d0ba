#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y = (x - mean) / sqrt(var + epsilon) · gamma + beta over each row, population variance.
//   input, output: (rows, columns) f32, may be the same   gamma, beta: (1, columns)
// epsilon is 1e-12 in OWSM (ESPnet's own LayerNorm, spec head) and 1e-5 in Whisper.
struct LayerNormOp {
  TensorRef input;
  WeightRef gamma;
  WeightRef beta;
  TensorRef output;
  float epsilon = 1e-5f;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Constant("gamma", gamma);
    v.Constant("beta", beta);
    v.Write("output", output);
    v.Parameter("epsilon", epsilon);
  }
};

}  // namespace espalier
