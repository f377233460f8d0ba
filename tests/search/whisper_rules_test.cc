#include "runtime/search/whisper_rules.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "runtime/search/token_set.h"
#include "tests/search/naive_whisper.h"

namespace espalier {
namespace {

using naive_whisper::kIds;
using naive_whisper::kNever;
using naive_whisper::kVocabulary;

WhisperRules Rules(bool timestamps) {
  auto rules = WhisperRules::Create(kIds, kVocabulary, timestamps);
  EXPECT_TRUE(rules.ok()) << rules.status().message();
  return std::move(rules).value();
}

float Apply(const WhisperRules& rules, const WhisperRuleState& state, std::span<float> row) {
  std::vector<int32_t> allowed(TokenWordCount(kVocabulary));
  rules.Allow(state, allowed);
  return rules.Apply(allowed, row);
}

std::vector<int> Allowed(const WhisperRules& rules, const std::vector<int>& sampled,
                         std::vector<float> row) {
  WhisperRuleState state;
  for (const int token : sampled) rules.Append(token, &state);
  Apply(rules, state, row);
  std::vector<int> allowed;
  for (int v = 0; v < kVocabulary; ++v) {
    if (row[static_cast<size_t>(v)] > kNever) allowed.push_back(v);
  }
  return allowed;
}

// One likely text token, so that the times' sum does not decide.
std::vector<float> TextLikely() {
  std::vector<float> row(kVocabulary, -6.0f);
  row[1] = -0.1f;
  return row;
}

TEST(WhisperRulesTest, EqualDecodingPyForAnySequence) {
  std::mt19937 random(7);
  int decided_by_sum = 0;
  for (const bool timestamps : {true, false}) {
    const WhisperRules rules = Rules(timestamps);
    for (uint64_t seed = 0; seed < 3000; ++seed) {
      std::vector<int> sampled(random() % 7);
      for (int& token : sampled) {
        token = random() % 2 != 0 ? static_cast<int>(random() % kVocabulary)
                                  : 18 + static_cast<int>(random() % 12);
      }
      std::vector<float> row = RandomModel(kVocabulary, seed, 8.0)({1});
      const std::vector<float> expected = naive_whisper::Filter(row, sampled, timestamps);
      WhisperRuleState state;
      for (const int token : sampled) rules.Append(token, &state);
      const float total = Apply(rules, state, row);
      ASSERT_EQ(row, expected) << seed;
      const double sum = naive_whisper::LogSum(row, 0, kVocabulary);
      if (std::isinf(sum)) {
        EXPECT_EQ(total, kNever);
      } else {
        EXPECT_NEAR(total, sum, 1e-5);
      }
      decided_by_sum += timestamps && row[1] == kNever && row[29] > kNever ? 1 : 0;
    }
  }
  EXPECT_GT(decided_by_sum, 100);
}

TEST(WhisperRulesTest, TheFirstTokenIsAnEarlyTime) {
  EXPECT_EQ(Allowed(Rules(true), {}, TextLikely()), (std::vector<int>{18, 19, 20, 21, 22, 23}));
  const std::vector<int> without = Allowed(Rules(false), {}, TextLikely());
  EXPECT_EQ(without, (std::vector<int>{1,  2,  4,  5,  6,  7,  8,  9,  12, 17, 18,
                                       19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}))
      << "no blank, no end, no symbols; decoding.py leaves the times to the prompt";
}

TEST(WhisperRulesTest, AnyFirstTimeWithoutALimit) {
  WhisperTokenIds ids = kIds;
  ids.max_initial_timestamp_index = -1;
  const auto rules = WhisperRules::Create(ids, kVocabulary, true);
  ASSERT_TRUE(rules.ok());
  EXPECT_EQ(Allowed(*rules, {}, TextLikely()).size(), 12u);
  ids.max_initial_timestamp_index = 1000;
  EXPECT_EQ(Allowed(*WhisperRules::Create(ids, kVocabulary, true), {}, TextLikely()).size(), 12u);
}

TEST(WhisperRulesTest, NoTimeLiesBehindAShorterWindow) {
  WhisperRules rules = Rules(true);
  rules.set_latest_time(4);
  EXPECT_EQ(Allowed(rules, {}, TextLikely()), (std::vector<int>{18, 19, 20, 21, 22}));
  EXPECT_EQ(Allowed(rules, {20, 1}, TextLikely()).back(), 22);
  EXPECT_EQ(Allowed(rules, {20, 1, 22}, TextLikely()), (std::vector<int>{10, 12, 22}))
      << "a segment that ends with the window: the next begins there, or nothing";
  rules.set_latest_time(-1);
  EXPECT_EQ(Allowed(rules, {20, 1}, TextLikely()).back(), 29);
}

TEST(WhisperRulesTest, TimesPairUpAndMoveOn) {
  const WhisperRules rules = Rules(true);
  EXPECT_EQ(Allowed(rules, {20}, TextLikely()),
            (std::vector<int>{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12}))
      << "after a start: text or the end";
  EXPECT_EQ(Allowed(rules, {20, 1}, TextLikely()).back(), 29);
  EXPECT_EQ(Allowed(rules, {20, 1}, TextLikely())[11], 21) << "an end lies after its start";
  std::vector<float> row = TextLikely();
  row[10] = 0.0f;
  EXPECT_EQ(Allowed(rules, {20, 1, 27}, row), (std::vector<int>{10, 12, 27, 28, 29}))
      << "after an end: a start there or later, or the end of all";
  EXPECT_EQ(Allowed(rules, {20, 1, 27, 27}, TextLikely()),
            (std::vector<int>{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12}));
}

TEST(WhisperRulesTest, TimesTogetherBeatTheBestToken) {
  const WhisperRules rules = Rules(true);
  std::vector<float> row(kVocabulary, -20.0f);
  row[1] = std::log(0.3f);
  for (size_t v = 21; v < 30; ++v) row[v] = std::log(0.05f);  // 0.45 together
  EXPECT_EQ(Allowed(rules, {20, 1}, row), (std::vector<int>{21, 22, 23, 24, 25, 26, 27, 28, 29}));
  row[1] = std::log(0.5f);
  EXPECT_EQ(Allowed(rules, {20, 1}, row).front(), 0);
}

TEST(WhisperRulesTest, MissingNumbersAreNoticed) {
  const WhisperRules rules = Rules(true);
  std::vector<float> row(kVocabulary, std::nanf(""));
  EXPECT_FALSE(std::isfinite(Apply(rules, WhisperRuleState{}, row)));
  row = TextLikely();
  row[19] = std::nanf("");
  EXPECT_TRUE(std::isnan(Apply(rules, WhisperRuleState{}, row)));
}

TEST(WhisperRulesTest, IdsAreChecked) {
  const auto code = [](const WhisperTokenIds& ids, int vocabulary) {
    return WhisperRules::Create(ids, vocabulary, true).status().code();
  };
  EXPECT_EQ(code(kIds, kVocabulary), StatusCode::kOk);
  EXPECT_EQ(code(kIds, 18), StatusCode::kInvalidArgument) << "no room for times";
  WhisperTokenIds ids = kIds;
  ids.suppress_ids = {kVocabulary};
  EXPECT_EQ(code(ids, kVocabulary), StatusCode::kInvalidArgument);
  ids = kIds;
  ids.begin_suppress_ids = {-1};
  EXPECT_EQ(code(ids, kVocabulary), StatusCode::kInvalidArgument);
  ids = kIds;
  ids.translate = -2;
  EXPECT_EQ(code(ids, kVocabulary), StatusCode::kInvalidArgument);
  ids = kIds;
  ids.transcribe = ids.translate = -1;
  EXPECT_EQ(code(ids, kVocabulary), StatusCode::kOk) << "an English-only model";
  ids.first_time = ids.eot;
  EXPECT_EQ(code(ids, kVocabulary), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace espalier
