#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// y[r,c] = x[r,c] · scale[c] + shift[c]; a missing scale is 1, a missing shift 0.
//   input, output: (rows, columns) f32, may be the same   scale, shift: (1, columns)
// Global mean/variance normalisation (spec §3.5) and the constant that is left of a merge whose
// halves are both closed (spec §11.4).
struct ColumnAffineOp {
  TensorRef input;
  WeightRef scale = {};
  WeightRef shift = {};
  TensorRef output;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("input", input);
    v.Constant("scale", scale);
    v.Constant("shift", shift);
    v.Write("output", output);
  }
};

}  // namespace espalier
