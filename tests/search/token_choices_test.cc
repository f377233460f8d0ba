#include "runtime/search/token_choices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/search/test_scorers.h"

namespace espalier {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

TEST(TokenSetTest, RangesEqualSingleTokens) {
  constexpr int kTokens = 131;
  for (const int begin : {0, 1, 31, 32, 33, 64, 130}) {
    for (const int end : {0, 1, 32, 63, 64, 65, 96, 131}) {
      std::vector<int32_t> set(TokenWordCount(kTokens), -1);
      Erase(set, begin, end);
      for (int token = 0; token < kTokens; ++token) {
        EXPECT_EQ(Contains(set, token), token < begin || token >= end) << begin << " " << end;
      }
      Insert(set, 64);
      EXPECT_TRUE(Contains(set, 64));
    }
  }
}

TEST(TokenSetTest, MaskPutsMinusInfinityElsewhere) {
  std::vector<int32_t> set(TokenWordCount(70), -1);
  Erase(set, 0, 32);
  Erase(set, 69);
  std::vector<float> row(70, 1.0f);
  Mask(set, row);
  for (size_t t = 0; t < row.size(); ++t) EXPECT_EQ(row[t], t < 32 || t == 69 ? kNever : 1.0f);
}

TEST(TokenChoicesTest, EqualASortOfEachGroup) {
  constexpr int kVocabulary = 203, kCount = 7;
  const TokenGroups groups = {.times_begin = 40, .times_end = 90, .end_token = 5};
  std::mt19937 random(5);
  TokenChoices choices;
  choices.Resize(2, kCount);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<float> row(kVocabulary);
    for (float& value : row) value = -0.25f * static_cast<float>(random() % 40);  // ties are common
    std::vector<int32_t> allowed(TokenWordCount(kVocabulary));
    for (int32_t& word : allowed) word = static_cast<int32_t>(random());
    if (trial == 0) Erase(allowed, groups.times_begin, groups.times_end);
    choices.Pick(1, row, allowed, groups);
    for (const bool times : {false, true}) {
      std::vector<int> ids;
      double sum = 0.0;
      for (int t = 0; t < kVocabulary; ++t) {
        const bool is_time = t >= groups.times_begin && t < groups.times_end;
        if (is_time != times || !Contains(allowed, t)) continue;
        ids.push_back(t);
        sum += std::exp(double{row[static_cast<size_t>(t)]});
      }
      std::stable_sort(ids.begin(), ids.end(), [&](int a, int b) {
        return row[static_cast<size_t>(a)] > row[static_cast<size_t>(b)];
      });
      const TokenChoices::Group group = times ? choices.times(1) : choices.others(1);
      for (size_t i = 0; i < kCount; ++i) {
        const bool found = i < ids.size();
        ASSERT_EQ(group.tokens[i], found ? ids[i] : -1);
        ASSERT_EQ(group.log_probs[i], found ? row[static_cast<size_t>(ids[i])] : kNever);
        if (found && ids[i] != 5) {
          EXPECT_EQ(choices.LogProb(groups, 1, ids[i]), group.log_probs[i]);
        }
      }
      if (ids.empty()) {
        EXPECT_EQ(group.log_sum, kNever);
      } else {
        EXPECT_NEAR(group.log_sum, std::log(sum), 1e-5);
      }
    }
    EXPECT_EQ(choices.end_log_prob(1), row[5]) << "allowed or not";
  }
}

// A scorer that only knows whole rows, as every table of these tests.
TEST(TokenChoicesTest, AScorerPicksFromItsRows) {
  constexpr int kVocabulary = 37;
  const TokenGroups groups = {.times_begin = 20, .times_end = 30, .end_token = 1};
  const PrefixFunction model = RandomModel(kVocabulary, 3, 9.0);
  FunctionScorer scorer(kVocabulary, 2, 10, model);
  std::vector<float> row(kVocabulary);
  ASSERT_TRUE(scorer.Start(std::vector<int>{4}, std::vector<int>{0}, row).ok());
  const size_t words = TokenWordCount(kVocabulary);
  std::vector<int32_t> allowed(2 * words, -1);
  Erase(TokenBits(allowed).subspan(words), 0, 20);
  TokenChoices choices, expected;
  choices.Resize(2, scorer.choice_count());
  expected.Resize(2, scorer.choice_count());
  ASSERT_TRUE(scorer
                  .AdvanceAndPick({.parents = std::vector<int>{0, 0},
                                   .tokens = std::vector<int>{7, 8},
                                   .allowed = allowed},
                                  groups, &choices)
                  .ok());
  for (const size_t h : {size_t{0}, size_t{1}}) {
    expected.Pick(h, model({4, h == 0 ? 7 : 8}), std::span(allowed).subspan(h * words, words),
                  groups);
  }
  EXPECT_TRUE(std::ranges::equal(choices.tokens(2), expected.tokens(2)));
  EXPECT_TRUE(std::ranges::equal(choices.scores(2), expected.scores(2)));
}

}  // namespace
}  // namespace espalier
