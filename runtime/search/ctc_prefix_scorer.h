// CTC prefix scores of hypotheses that grow one token at a time (spec §10; Watanabe et al. 2017,
// "Hybrid CTC/Attention"), in ESPnet's batch variant with its quirks: the primer counts as labels.
//
// Goals: float32 as ESPnet, no allocation after Create, SIMD over all candidates of all hypotheses.
// Non-goals: choosing the candidates (beam_search.h) and computing the log-probabilities.
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"

namespace espalier {

struct CtcShape {
  int steps = 0;           // T', encoder steps
  int vocabulary = 0;      // V
  int blank_id = 0;        // 0 in ESPnet
  int eos_id = 0;          // scored as "the utterance ends here"
  int max_hypotheses = 1;  // beam
  int max_candidates = 1;  // per hypothesis, without eos
};

// One utterance at a time; not thread-safe. SetAudio once per utterance, then for each search
// (BeamSearch does this part): Start, and for each step Score, Keep.
class CtcPrefixScorer {
 public:
  // Allocates everything: O(steps · hypotheses · candidates). Errors: kInvalidArgument (a count
  // below 1, an id outside the vocabulary).
  static Result<CtcPrefixScorer> Create(const CtcShape& shape);

  // log_probs: (steps, vocabulary) f32 row-major, borrowed until the next SetAudio; `steps` is at
  // most the shape's. Errors: kInvalidArgument (sizes).
  Status SetAudio(std::span<const float> log_probs, int steps);

  // Begins a search with one hypothesis, a primer of `prefix_length` tokens. Errors:
  // kInvalidArgument (no audio, no primer, or one that is longer than the audio).
  Status Start(int prefix_length);

  // Largest prefix that Score still accepts: steps + 1 tokens.
  int max_prefix_length() const { return steps_ + 1; }

  // Scores `count` candidates for each hypothesis. last_tokens: (hypotheses), the last token of
  // each; candidates: (hypotheses, count). Writes
  //   deltas: (hypotheses, count)  ψ(prefix + candidate) - ψ(prefix)
  //   eos_deltas: (hypotheses)     the same for eos, whether or not it is a candidate
  // Errors: kInvalidArgument (a prefix longer than the audio, counts beyond the shape).
  Status Score(std::span<const int> last_tokens, std::span<const int> candidates, int count,
               std::span<float> deltas, std::span<float> eos_deltas);

  // Chooses what goes on: new hypothesis i is hypothesis parents[i] with its candidate number
  // picks[i] of the last Score (never the one that stands for eos: that hypothesis is over).
  void Keep(std::span<const int> parents, std::span<const int> picks);

  const CtcShape& shape() const { return shape_; }

 private:
  explicit CtcPrefixScorer(const CtcShape& shape);
  Status CheckPrefix() const;
  void Recur(std::span<const int> last_tokens, std::span<const int> candidates, int count);

  CtcShape shape_;
  const float* log_probs_ = nullptr;  // (steps, vocabulary)
  int steps_ = 0;
  int hypotheses_ = 0;
  int prefix_length_ = 0;
  int candidates_per_hypothesis_ = 0;  // of the last Score
  size_t lanes_ = 0;  // candidates of all hypotheses in use, rounded up to whole SIMD blocks

  // The running hypotheses: r^n_t, r^b_t and ψ.
  std::vector<float> nonblank_, blank_, total_;  // (max_hypotheses, steps)
  std::vector<float> psi_;                       // (max_hypotheses)
  // Every candidate's state, interleaved so that the recursion's inner loop runs over lanes.
  std::vector<float> lane_nonblank_, lane_blank_;    // (steps, lanes)
  std::vector<float> lane_phi_, lane_x_, lane_psi_;  // (lanes)
};

}  // namespace espalier
