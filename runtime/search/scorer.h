// What a search needs from a model: log-probabilities of the next token for a few hypotheses, or
// the likeliest tokens alone.
//
// Goals: the search knows no tensors and no devices, so that it is tested with tables. Non-goals:
// choosing what goes on (beam_search.h, whisper_search.h).
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/token_choices.h"

namespace espalier {

// How a search goes on, and what it asks of the tokens after that.
struct SearchStep {
  std::span<const int> parents = {}, tokens = {};  // as in TokenScorer::Advance
  // With CTC: which of its parent's CTC candidates each token is.
  std::span<const int> picks = {};
  std::span<const int32_t> allowed = {};  // the sets of all hypotheses, one after the other
};

// One utterance at a time; not thread-safe.
class TokenScorer {
 public:
  virtual ~TokenScorer() = default;
  virtual int vocabulary_size() const = 0;
  virtual int max_hypotheses() const = 0;  // most rows of one Advance
  virtual int max_positions() const = 0;   // prompt and tokens together
  // Of the two groups each, for a row of choices: enough for every search of this width.
  int choice_count() const { return 2 * max_hypotheses(); }
  // How many of a row's choices get CTC prefix scores (TokenChoices::ctc); 0: no CTC.
  virtual int ctc_candidate_count() const { return 0; }

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

  // Start, and of the prompt's last row what a search picks from; Advance, and the same of all its
  // rows. choices: Resize(rows, choice_count(), ctc_candidate_count()) was called with enough rows.
  // A search that wants CTC scores uses these two only. This default picks from whole rows and
  // knows no CTC; a device does it where they are. Errors as Start and Advance.
  virtual Status StartAndPick(std::span<const int> prompt, std::span<const int32_t> allowed,
                              const TokenGroups& groups, TokenChoices* choices);
  virtual Status AdvanceAndPick(const SearchStep& step, const TokenGroups& groups,
                                TokenChoices* choices);

 private:
  std::vector<float> rows_;  // of StartAndPick and AdvanceAndPick
};

}  // namespace espalier
