#include "runtime/search/token_choices.h"

#include <algorithm>
#include <array>
#include <limits>

#include "runtime/search/log_math.h"

namespace espalier {

void TokenChoices::Resize(int rows, int count, int ctc_count) {
  count_ = static_cast<size_t>(count);
  ctc_count_ = static_cast<size_t>(ctc_count);
  ctc_.assign(static_cast<size_t>(rows) * (ctc_count_ + 1), 0.0f);
  tokens_.assign(static_cast<size_t>(rows) * 2 * count_, -1);
  scores_.assign(static_cast<size_t>(rows) * ScoreColumns(),
                 -std::numeric_limits<float>::infinity());
}

float TokenChoices::LogProb(const TokenGroups& groups, size_t row, int token) const {
  if (token == groups.end_token) return end_log_prob(row);
  for (const Group& group : {others(row), times(row)}) {
    const auto found = std::find(group.tokens.begin(), group.tokens.end(), token);
    if (found != group.tokens.end()) {
      return group.log_probs[static_cast<size_t>(found - group.tokens.begin())];
    }
  }
  return -std::numeric_limits<float>::infinity();
}

void TokenChoices::Pick(size_t row, std::span<const float> log_probs,
                        std::span<const int32_t> allowed, const TokenGroups& groups) {
  masked_.assign(log_probs.begin(), log_probs.end());
  Mask(allowed, masked_);
  const auto begin = static_cast<size_t>(groups.times_begin);
  const auto end = static_cast<size_t>(groups.times_end);
  const std::span<const float> all(masked_);
  const std::span<const float> before = all.first(begin), behind = all.subspan(end);
  const std::span<const float> times = all.subspan(begin, end - begin);
  float* const scores = scores_.data() + row * ScoreColumns();

  best_.Clear(static_cast<int>(count_));
  best_.OfferRow(before, 0);
  best_.OfferRow(behind, groups.times_end);
  Take(row, 0);
  const std::array sums = {LogSumExp(before), LogSumExp(behind)};
  scores[2 * count_] = LogSumExp(sums);

  best_.Clear(static_cast<int>(count_));
  best_.OfferRow(times, groups.times_begin);
  Take(row, 1);
  scores[2 * count_ + 1] = LogSumExp(times);
  scores[2 * count_ + 2] = log_probs[static_cast<size_t>(groups.end_token)];
}

void TokenChoices::Take(size_t row, size_t group) {
  const std::span<const Candidate> best = best_.best();
  for (size_t i = 0; i < count_; ++i) {
    const bool found = i < best.size();
    tokens_[(row * 2 + group) * count_ + i] = found ? best[i].token : -1;
    scores_[row * ScoreColumns() + group * count_ + i] =
        found ? best[i].score : -std::numeric_limits<float>::infinity();
  }
}

}  // namespace espalier
