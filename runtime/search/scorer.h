// What a search needs from a model: log-probabilities of the next token for a few hypotheses, or
// the likeliest tokens alone.
//
// Goals: the search knows no tensors and no devices, so that it is tested with tables. Non-goals:
// CTC, which sees the whole utterance at once (ctc_prefix_scorer.h).
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/token_choices.h"

namespace espalier {

// One utterance at a time; not thread-safe.
class TokenScorer {
 public:
  virtual ~TokenScorer() = default;
  virtual int vocabulary_size() const = 0;
  virtual int max_hypotheses() const = 0;  // most rows of one Advance
  virtual int max_positions() const = 0;   // prompt and tokens together
  // Of the two groups each, for a row of AdvanceAndPick: enough for every search of this width.
  int choice_count() const { return 2 * max_hypotheses(); }

  // Forgets all hypotheses and feeds `prompt` (1 … max_positions ids) as hypothesis 0.
  // log_probs: (rows.size(), vocabulary); row i is log p(· | prompt[0 … rows[i]]), f32.
  // Errors: kInvalidArgument (an id out of range, a prompt too long), kCancelled, kDeviceLost.
  virtual Status Start(std::span<const int> prompt, std::span<const int> rows,
                       std::span<float> log_probs) = 0;

  // Hypothesis i of the new generation is hypothesis parents[i] of the one before (0 right after
  // Start) followed by tokens[i]. log_probs: (tokens.size(), vocabulary), for the token after that.
  // No allocation. Errors as Start; kExhausted when max_positions is reached.
  virtual Status Advance(std::span<const int> parents, std::span<const int> tokens,
                         std::span<float> log_probs) = 0;

  // Advance, and of its rows what a search picks from. allowed: the sets of all hypotheses, one
  // after the other. choices: Resize(at least tokens.size(), choice_count()) was called. This
  // default picks from whole rows; a device does it where they are. Errors as Advance.
  virtual Status AdvanceAndPick(std::span<const int> parents, std::span<const int> tokens,
                                std::span<const int32_t> allowed, const TokenGroups& groups,
                                TokenChoices* choices);

 private:
  std::vector<float> rows_;  // of AdvanceAndPick
};

}  // namespace espalier
