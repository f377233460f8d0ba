#pragma once

#include "runtime/graph/refs.h"

namespace espalier {

// What a search asks of the next token's log-probabilities: the likeliest of two groups of tokens
// and each group's sum, so that a step reads back a few numbers and not a vocabulary. The groups
// are the columns [split_begin, split_end), the time tokens, and all others: Whisper weighs the
// times' sum against the best other token (openai-whisper decoding.py, ApplyTimestampRules).
//   log_probs: (rows, vocabulary) f32
//   allowed: (rows, ⌈vocabulary / 32⌉) i32; token t may be said if bit t % 32 of word t / 32 is set
//   tokens: (rows, 2·count) i32: the others, likeliest first, equal ones by the lower id, then the
//     times; -1 behind the last of a group. Neither -inf nor NaN is ever picked.
//   scores: (rows, 2·count + 3) f32: their log-probabilities, -inf behind the last; then
//     log Σ exp over the allowed others and over the allowed times (-inf: none, NaN: one of them
//     is); then the log-probability of `watched`, allowed or not
struct TopTokensOp {
  TensorRef log_probs;
  TensorRef allowed;
  TensorRef tokens;
  TensorRef scores;
  int32_t split_begin = 0;
  int32_t split_end = 0;
  int32_t watched = 0;

  // Names every operand and parameter once; the planner, the checks and the text form read it.
  template <typename Visitor>
  void Visit(Visitor& v) const {
    v.Read("log_probs", log_probs);
    v.Read("allowed", allowed);
    v.Write("tokens", tokens);
    v.Write("scores", scores);
    v.Parameter("split_begin", split_begin);
    v.Parameter("split_end", split_end);
    v.Parameter("watched", watched);
  }
};

}  // namespace espalier
