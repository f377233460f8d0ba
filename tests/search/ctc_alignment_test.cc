#include "runtime/search/ctc_alignment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace espalier {
namespace {

constexpr int kBlank = 0, kVocabulary = 4;

// Log-probabilities that have `path` as their likeliest symbols.
std::vector<float> Saying(const std::vector<int>& path) {
  std::vector<float> log_probs(path.size() * kVocabulary, std::log(0.1f));
  for (size_t step = 0; step < path.size(); ++step) {
    log_probs[step * kVocabulary + static_cast<size_t>(path[step])] = std::log(0.7f);
  }
  return log_probs;
}

std::vector<int> Align(const std::vector<float>& log_probs, const std::vector<int>& tokens) {
  const auto at = AlignByCtc(log_probs, kVocabulary, kBlank, tokens);
  EXPECT_TRUE(at.ok()) << at.status().message();
  return at.ok() ? *at : std::vector<int>();
}

TEST(CtcAlignmentTest, TokensAreWhereTheyPeak) {
  EXPECT_EQ(Align(Saying({0, 0, 1, 0, 2, 0, 0, 3, 0}), {1, 2, 3}), (std::vector{2, 4, 7}));
  EXPECT_EQ(Align(Saying({2, 1}), {2, 1}), (std::vector{0, 1}));
  EXPECT_EQ(Align(Saying({0, 0}), {}), std::vector<int>());
  std::vector<float> log_probs = Saying({1, 1, 1, 2});
  log_probs[1 * kVocabulary + 1] = std::log(0.9f);
  EXPECT_EQ(Align(log_probs, {1, 2}), (std::vector{1, 3}));
}

TEST(CtcAlignmentTest, BetweenTwoAlikeThereIsABlank) {
  EXPECT_EQ(Align(Saying({1, 1, 0, 1}), {1, 1}), (std::vector{0, 3}));
  const auto at = Align(Saying({1, 1, 1, 1}), {1, 1});
  ASSERT_EQ(at.size(), 2u);
  EXPECT_GE(at[1] - at[0], 2);
}

// Whatever the scores, as exhaustive search over all paths.
TEST(CtcAlignmentTest, FindsTheBestOfAllPaths) {
  constexpr int kSteps = 7;
  const std::vector<int> tokens = {1, 1, 3};
  std::mt19937 random(3);
  std::uniform_real_distribution<float> draw(-5, 0);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> log_probs(kSteps * kVocabulary);
    for (float& value : log_probs) value = draw(random);
    float best = -std::numeric_limits<float>::infinity();
    std::vector<int> expected;
    for (int code = 0; code < 1 << (2 * kSteps); ++code) {
      std::vector<int> said, at;
      std::vector<float> peak;
      float score = 0;
      for (int step = 0, last = kBlank; step < kSteps; ++step) {
        const int symbol = code >> (2 * step) & 3;
        const float value = log_probs[static_cast<size_t>(step * kVocabulary + symbol)];
        score += value;
        if (symbol != kBlank && symbol != last) {
          said.push_back(symbol);
          at.push_back(step);
          peak.push_back(value);
        } else if (symbol != kBlank && value > peak.back()) {
          at.back() = step;
          peak.back() = value;
        }
        last = symbol;
      }
      if (said != tokens || score <= best) continue;
      best = score;
      expected = at;
    }
    EXPECT_EQ(Align(log_probs, tokens), expected) << trial;
  }
}

TEST(CtcAlignmentTest, TextThatDoesNotFitIsRefused) {
  const std::vector<float> log_probs = Saying({1, 1});
  for (const std::vector<int>& tokens : {std::vector{1, 2, 3}, std::vector{1, 1}, std::vector{4}}) {
    EXPECT_EQ(AlignByCtc(log_probs, kVocabulary, kBlank, tokens).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(AlignByCtc({}, kVocabulary, kBlank, {}).status().code(), StatusCode::kInvalidArgument);
}

TEST(CtcAlignmentTest, BlanksAreNotHeard) {
  EXPECT_EQ(StepsWithTokens(Saying({0, 2, 0, 1, 1, 0}), kVocabulary, kBlank),
            (std::vector{1, 3, 4}));
  EXPECT_TRUE(StepsWithTokens(Saying({0, 0}), kVocabulary, kBlank).empty());
  EXPECT_TRUE(StepsWithTokens({}, kVocabulary, kBlank).empty());
}

}  // namespace
}  // namespace espalier
