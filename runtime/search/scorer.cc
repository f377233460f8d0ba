#include "runtime/search/scorer.h"

namespace espalier {

Status TokenScorer::AdvanceAndPick(std::span<const int> parents, std::span<const int> tokens,
                                   std::span<const int32_t> allowed, const TokenGroups& groups,
                                   TokenChoices* choices) {
  const auto vocabulary = static_cast<size_t>(vocabulary_size());
  const size_t words = TokenWordCount(vocabulary_size());
  rows_.resize(static_cast<size_t>(max_hypotheses()) * vocabulary);
  const std::span<float> rows(rows_);
  ESP_RETURN_IF_ERROR(Advance(parents, tokens, rows.first(tokens.size() * vocabulary)));
  for (size_t i = 0; i < tokens.size(); ++i) {
    choices->Pick(i, rows.subspan(i * vocabulary, vocabulary), allowed.subspan(i * words, words),
                  groups);
  }
  return OkStatus();
}

}  // namespace espalier
