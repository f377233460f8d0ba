#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// The attention weights of one head, for alignment (AlignAtt, arXiv:2305.11408; word times). The
// attention ops never hold a score matrix; what few heads look at is computed again by this one.
//   weights[r][t] = scale · softmax_t(query[r] · key[t] / sqrt(width)), t in [0, key rows);
//   with `accumulate` that is added to what is there, so that several heads give their mean
//   query: (R, width) f32   key: (T, width) f32 or f16: the head's columns
//   weights: (R, at least the most key rows) f32; columns from T on stay as they are; must not
//   overlap query or key
struct AttentionWeightsOp {
  TensorRef query;
  TensorRef key;
  TensorRef weights;
  float scale = 1.0f;
  bool accumulate = false;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("query", query);
    v.Read("key", key);
    if (accumulate) {
      v.Update("weights", weights);
    } else {
      v.Write("weights", weights);
    }
    v.Parameter("scale", scale);
    v.Parameter("accumulate", accumulate);
  }
};

}  // namespace espalier
