#include "runtime/search/repetition.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace espalier {
namespace {

std::vector<int> Repeat(std::vector<int> tokens, const std::vector<int>& turn, int times) {
  for (int i = 0; i < times; ++i) tokens.insert(tokens.end(), turn.begin(), turn.end());
  return tokens;
}

// The tokens after which the guard first fires; 0: never.
size_t FirstFire(const std::vector<int>& tokens) {
  for (size_t n = 1; n <= tokens.size(); ++n) {
    if (FindRepeatedTail({tokens.data(), n}, {}).period != 0) return n;
  }
  return 0;
}

TEST(RepetitionTest, FindsLoopsOfEveryPeriod) {
  for (int period = 1; period <= 32; ++period) {
    std::vector<int> turn;
    for (int i = 0; i < period; ++i) turn.push_back(100 + i);
    const std::vector<int> tokens = Repeat({1, 2, 3}, turn, 200 / period + 7);
    const size_t fired = FirstFire(tokens);
    ASSERT_GT(fired, 0u) << period;
    EXPECT_EQ(fired, 3 + static_cast<size_t>(std::max(40, 6 * period))) << period;
    const RepeatedTail tail = FindRepeatedTail({tokens.data(), fired}, {});
    EXPECT_EQ(tail.period, period);
    EXPECT_EQ(LengthWithoutLoop(static_cast<int>(fired), tail, {}), 3 + period);
  }
}

TEST(RepetitionTest, ALoopThatBeginsInTheMiddleOfATurnIsCutToOneTurn) {
  const std::vector<int> tokens = Repeat({7, 5, 6}, {4, 5, 6}, 14);  // … 5 6 | 4 5 6 | …
  const RepeatedTail tail = FindRepeatedTail(tokens, {});
  EXPECT_EQ(tail.period, 3);
  EXPECT_EQ(tail.loop_tokens, 44);
  EXPECT_EQ(LengthWithoutLoop(static_cast<int>(tokens.size()), tail, {}), 4);
}

TEST(RepetitionTest, SpeechIsNoLoop) {
  EXPECT_EQ(FirstFire(Repeat({}, {1}, 4)), 0u);                          // no no no no
  EXPECT_EQ(FirstFire(Repeat({1, 2}, {3}, 39)), 0u);                     // laughter
  EXPECT_EQ(FirstFire(Repeat({}, {1, 2}, 12)), 0u);                      // one and one and …
  EXPECT_EQ(FirstFire(Repeat({}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, 5)), 0u);  // a refrain
  // Repeats that are not consecutive.
  std::vector<int> tokens;
  for (int i = 0; i < 60; ++i) tokens.insert(tokens.end(), {1, 2, 3, 1000 + i});
  EXPECT_EQ(FirstFire(tokens), 0u);
}

TEST(RepetitionTest, RandomTextIsNoLoop) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<int> tokens;
    for (int i = 0; i < 300; ++i) tokens.push_back(static_cast<int>(random() % 3));
    EXPECT_EQ(FirstFire(tokens), 0u);
  }
}

TEST(RepetitionTest, OnlyTheEndCounts) {
  std::vector<int> tokens = Repeat({}, {1, 2}, 30);
  tokens.push_back(3);
  EXPECT_EQ(FindRepeatedTail(tokens, {}).period, 0);
}

TEST(RepetitionTest, AWindowIsEnough) {
  const RepetitionOptions options;
  std::vector<int> turn;
  for (int i = 0; i < options.max_period; ++i) turn.push_back(i);
  const std::vector<int> tokens = Repeat({}, turn, 40);
  const std::span<const int> window =
      std::span<const int>(tokens).last(static_cast<size_t>(RepetitionWindow(options)));
  EXPECT_EQ(FindRepeatedTail(window, options).period, options.max_period);
}

TEST(RepetitionTest, CanBeSwitchedOff) {
  const std::vector<int> tokens = Repeat({}, {1}, 500);
  EXPECT_EQ(FindRepeatedTail(tokens, {.enabled = false}).period, 0);
}

}  // namespace
}  // namespace espalier
