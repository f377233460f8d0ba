#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// ESPnet's "log of zero" (spec §10): finite, so that differences of two of them stay numbers.
inline constexpr float kCtcLogZero = -1e10f;

// CTC prefix scores of hypotheses that grow by one token (spec §10; Watanabe et al. 2017, "Hybrid
// CTC/Attention"), in ESPnet's batch variant with its quirks: the primer counts as labels. With
// p_t(c) = log_probs[t, c], at least kCtcLogZero, r^n and r^b the hypothesis's forward log-sums
// that end in a label and in a blank, k = its length - 1 and s = max(k, 1), for a candidate c
//   φ_t = r^b_t where c repeats the last token, else r^n_t ⊕ r^b_t      (⊕: log of the sum)
//   n_t = b_t = kCtcLogZero for t < s, but n_0 = p_0(c) where k = 0; from s on
//   n_t = (n_{t-1} ⊕ φ_{t-1}) + p_t(c)      b_t = (n_{t-1} ⊕ b_{t-1}) + p_t(blank)
//   ψ(c) = n_{s-1} ⊕ Σ⊕_{t ≥ s} φ_{t-1} + p_t(c)
// ψ(eos) = r^n ⊕ r^b of the last step; ψ(blank) = kCtcLogZero.
//
//   log_probs: (steps, vocabulary) f32
//   tokens: (rows, candidates) i32; one of -1 is a label that is nowhere: p_t = kCtcLogZero
//   hypotheses: (rows, 4) i32, the columns of CtcHypothesisColumn
//   state: (2 · most steps, states) f32, external: column c holds a candidate's n_t in row t and
//   its
//     b_t in row (most steps) + t. Candidate j of a row writes column first + j
//   scores: (rows, candidates + 1) f32: ψ of each candidate, then ψ(eos) whether it is one or not
// Neither the columns that a run reads and those that it writes may meet, nor those of two rows.
struct CtcPrefixScoreOp {
  TensorRef log_probs;
  TensorRef tokens;
  TensorRef hypotheses;
  TensorRef state;
  TensorRef scores;
  int32_t blank = 0;
  int32_t eos = 0;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("log_probs", log_probs);
    v.Read("tokens", tokens);
    v.Read("hypotheses", hypotheses);
    v.Update("state", state);
    v.Write("scores", scores);
    v.Parameter("blank", blank);
    v.Parameter("eos", eos);
  }
};

// What the caller says of each row.
enum CtcHypothesisColumn : int32_t {
  kCtcParent,     // column of `state` that holds r; -1: a primer, only blanks so far
  kCtcFirst,      // where its candidates' states begin
  kCtcLastToken,  // what φ compares candidates with
  kCtcLength,     // its tokens; 0: the row is not scored, its scores are kCtcLogZero
  kCtcHypothesisColumns,
};

}  // namespace espalier
