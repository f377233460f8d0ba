#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// z[t,c] = b[c] + Σ_j w[c,j] · x[t+j-(k-1)/2, c], zeros outside (cross-correlation, spec §5); then
//   y = z ⊙ multiplier    with a multiplier (the cgMLP's gate: r ⊙ DWConv(LN(g))),
//   y = z + x             with add_input (the merge: u + DWConv(u)),
//   y = z                 otherwise.
//   input, output, multiplier: (steps, channels) f32; output must not overlap input
//   weight: (channels, k), k odd   bias: (1, channels)
struct DepthwiseConvOp {
  TensorRef input;
  WeightRef weight;
  WeightRef bias = {};
  TensorRef output;
  TensorRef multiplier = {};
  bool add_input = false;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Read("multiplier", multiplier);
    v.Constant("weight", weight);
    v.Constant("bias", bias);
    v.Write("output", output);
    v.Parameter("add_input", add_input);
  }
};

}  // namespace espalier
