#include "runtime/search/scorer.h"

namespace espalier {

Status TokenScorer::StartAndPick(std::span<const int> prompt, std::span<const int32_t> allowed,
                                 const TokenGroups& groups, TokenChoices* choices) {
  const auto vocabulary = static_cast<size_t>(vocabulary_size());
  rows_.resize(static_cast<size_t>(max_hypotheses()) * vocabulary);
  const std::span<float> row = std::span<float>(rows_).first(vocabulary);
  const int last = static_cast<int>(prompt.size()) - 1;
  ESP_RETURN_IF_ERROR(Start(prompt, {&last, 1}, row));
  choices->Pick(0, row, allowed, groups);
  return OkStatus();
}

Status TokenScorer::AdvanceAndPick(const SearchStep& step, const TokenGroups& groups,
                                   TokenChoices* choices) {
  const auto vocabulary = static_cast<size_t>(vocabulary_size());
  const size_t words = TokenWordCount(vocabulary_size());
  rows_.resize(static_cast<size_t>(max_hypotheses()) * vocabulary);
  const std::span<float> rows(rows_);
  ESP_RETURN_IF_ERROR(
      Advance(step.parents, step.tokens, rows.first(step.tokens.size() * vocabulary)));
  for (size_t i = 0; i < step.tokens.size(); ++i) {
    choices->Pick(i, rows.subspan(i * vocabulary, vocabulary),
                  step.allowed.subspan(i * words, words), groups);
  }
  return OkStatus();
}

}  // namespace espalier
