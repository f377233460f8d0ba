#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y = residual + scale · act(x·Wᵀ + b)   (spec §5, §7: every projection and feed-forward half)
//   input: (rows, in) f32   weight: (out, in), any storage   bias: (1, out) or none
//   residual: (rows, out) or none; may be the same slot as output
//   output: (rows, out) f32 or f16; must not overlap input; f32 where it is the residual too
struct LinearOp {
  TensorRef input;
  WeightRef weight;
  WeightRef bias = {};
  TensorRef output;
  Activation activation = Activation::kNone;
  float scale = 1.0f;
  TensorRef residual = {};

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Read("residual", residual);
    v.Constant("weight", weight);
    v.Constant("bias", bias);
    v.Write("output", output);
    v.Parameter("activation", activation);
    v.Parameter("scale", scale);
  }
};

}  // namespace espalier
