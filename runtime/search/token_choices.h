// What a search picks from: the likeliest tokens that its rules allow, for each hypothesis, in
// place of whole rows of log-probabilities.
//
// Goals: a few numbers a hypothesis, made on the device (TopTokensOp) or here from a row, with the
// same result. Non-goals: rules (whisper_rules.h, time_filter.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/search/token_set.h"
#include "runtime/search/top_candidates.h"

namespace espalier {

// The two groups of tokens and the one to watch; fixed for a model (TokenSplitOf, model/stages.h).
struct TokenGroups {
  int times_begin = 0;  // times are [times_begin, times_end), all other tokens "others"
  int times_end = 0;
  int end_token = 0;  // its log-probability is wanted whether it is among the likeliest or not

  friend bool operator==(const TokenGroups&, const TokenGroups&) = default;
};

// Not thread-safe. No allocation after Resize.
class TokenChoices {
 public:
  // Likeliest first, ties by the lower id; -1 and -inf behind the last. log_sum: log Σ exp over all
  // that are allowed of the group; -inf if there is none, NaN if the model gave no numbers.
  struct Group {
    std::span<const int32_t> tokens;
    std::span<const float> log_probs;
    float log_sum = 0.0f;

    float best() const { return log_probs[0]; }
    // fn(token, its log-probability) for each of them.
    template <typename Function>
    void ForEach(const Function& fn) const {
      for (size_t i = 0; i < tokens.size() && tokens[i] >= 0; ++i) fn(tokens[i], log_probs[i]);
    }
  };

  // `count` tokens of each group; CTC's scores of the first `ctc_count` others.
  void Resize(int rows, int count, int ctc_count = 0);

  int count() const { return static_cast<int>(count_); }
  Group others(size_t row) const { return GroupAt(row, 0); }
  Group times(size_t row) const { return GroupAt(row, 1); }
  float end_log_prob(size_t row) const { return scores_[row * ScoreColumns() + 2 * count_ + 2]; }
  // ψ of the hypothesis with each of the first ctc_count others, and with its end
  // (graph/ops/ctc_prefix_score.h).
  std::span<const float> ctc(size_t row) const {
    return std::span<const float>(ctc_).subspan(row * (ctc_count_ + 1), ctc_count_);
  }
  float ctc_end(size_t row) const { return ctc_[row * (ctc_count_ + 1) + ctc_count_]; }
  int ctc_count() const { return static_cast<int>(ctc_count_); }
  // Of a token that is among the choices of `row`, or the end token.
  float LogProb(const TokenGroups& groups, size_t row, int token) const;

  // Fills a row from its log-probabilities: (vocabulary) f32.
  void Pick(size_t row, std::span<const float> log_probs, std::span<const int32_t> allowed,
            const TokenGroups& groups);

  // TopTokensOp::tokens and ::scores of the first `rows` rows, to read a device's into.
  std::span<int32_t> tokens(size_t rows) {
    return std::span<int32_t>(tokens_).first(rows * 2 * count_);
  }
  std::span<float> scores(size_t rows) {
    return std::span<float>(scores_).first(rows * ScoreColumns());
  }
  // CtcPrefixScoreOp::scores of them.
  std::span<float> ctc_scores(size_t rows) {
    return std::span<float>(ctc_).first(rows * (ctc_count_ + 1));
  }

 private:
  void Take(size_t row, size_t group);  // best_
  size_t ScoreColumns() const { return 2 * count_ + 3; }
  Group GroupAt(size_t row, size_t group) const {
    const size_t at = row * ScoreColumns();
    return {std::span<const int32_t>(tokens_).subspan((row * 2 + group) * count_, count_),
            std::span<const float>(scores_).subspan(at + group * count_, count_),
            scores_[at + 2 * count_ + group]};
  }

  size_t count_ = 0, ctc_count_ = 0;
  std::vector<int32_t> tokens_;  // (rows, 2·count)
  std::vector<float> scores_;    // (rows, 2·count + 3)
  std::vector<float> ctc_;       // (rows, ctc_count + 1)
  std::vector<float> masked_;    // one row, for Pick
  TopCandidates best_{0};
};

}  // namespace espalier
