#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// Kernel-3 convolution over time, zero padding 1, with an activation (Whisper's stem).
//   input: (T, Cin) f32   weight: (Cout, Cin·3), column = cin·3 + j   bias: (1, Cout)
//   output: (⌊(T-1)/stride⌋+1, Cout);  y[t,o] = act(b[o] + Σ W[o,c,j] · x[t·stride+j-1, c])
struct Conv1dOp {
  TensorRef input;
  WeightRef weight;
  WeightRef bias;
  TensorRef output;
  int32_t stride = 1;  // 1 or 2
  Activation activation = Activation::kGelu;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Constant("weight", weight);
    v.Constant("bias", bias);
    v.Write("output", output);
    v.Parameter("stride", stride);
    v.Parameter("activation", activation);
  }
};

}  // namespace espalier
