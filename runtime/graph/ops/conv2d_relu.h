#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// 3×3 convolution over (time, frequency), stride 2, no padding, then ReLU (spec §4).
//   input: (T, F·Cin) f32, channel fastest: column = f·Cin + c
//   weight: (Cout, Cin·9), column = cin·9 + dt·3 + df (PyTorch's order)   bias: (1, Cout)
//   output: (⌊(T-3)/2⌋+1, F'·Cout), column = f·Cout + c, F' = ⌊(F-3)/2⌋+1
//   y[t,f,o] = max(0, b[o] + Σ W[o,c,i,j] · x[2t+i, 2f+j, c])
struct Conv2dReluOp {
  TensorRef input;
  WeightRef weight;
  WeightRef bias;
  TensorRef output;
  int32_t in_channels = 1;
  int32_t in_frequencies = 0;
  int32_t out_channels = 0;
  int32_t out_frequencies = 0;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Constant("weight", weight);
    v.Constant("bias", bias);
    v.Write("output", output);
    v.Parameter("in_channels", in_channels);
    v.Parameter("in_frequencies", in_frequencies);
    v.Parameter("out_channels", out_channels);
    v.Parameter("out_frequencies", out_frequencies);
  }
};

}  // namespace espalier
