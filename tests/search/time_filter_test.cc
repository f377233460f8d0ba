#include "runtime/search/time_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace espalier {
namespace {

constexpr int kVocabulary = 20;
// Text is 1 … 7 and 13 … 17, so that it lies on both sides of the times.
constexpr OwsmTimeRules kRules{
    .sos = 18, .eos = 19, .notimestamps = 7, .first_time = 8, .last_time = 12};

// The rule as spec §10 words it, from the whole sequence.
std::vector<bool> AllowedBySpec(const std::vector<int>& y) {
  std::vector<bool> allowed(kVocabulary, true);
  std::vector<int> times;
  bool without_times = false;
  for (const int token : y) {
    if (kRules.IsTime(token)) times.push_back(token);
    if (token == kRules.notimestamps) without_times = true;
  }
  for (int v = 0; v < kVocabulary; ++v) {
    bool ok = true;
    if (without_times) {
      ok = !kRules.IsTime(v);
    } else if (y[y.size() - 3] == kRules.sos) {
      ok = kRules.IsTime(v);
    } else if (times.size() % 2 == 1) {
      ok = v != kRules.eos && (!kRules.IsTime(v) || v > times.back());
    } else if (kRules.IsTime(y.back())) {
      ok = v == kRules.eos || (kRules.IsTime(v) && v >= y.back());
    } else {
      ok = false;
    }
    allowed[static_cast<size_t>(v)] = ok;
  }
  return allowed;
}

std::vector<bool> Allowed(const TimeState& state) {
  std::vector<int32_t> set(TokenWordCount(kVocabulary), -1);
  state.Restrict(kRules, kVocabulary, set);
  std::vector<bool> allowed;
  for (int token = 0; token < kVocabulary; ++token) allowed.push_back(Contains(set, token));
  return allowed;
}

TEST(TimeFilterTest, FollowsTheSpecForAnySequence) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<int> y;
    if (trial % 3 == 0) y = {0, static_cast<int>(random() % kVocabulary), 9};  // a previous text
    y.insert(y.end(), {kRules.sos, 1, 2});
    if (trial % 5 == 0) y.push_back(kRules.notimestamps);
    TimeState state(kRules, y);
    for (int i = 0; i < 12; ++i) {
      ASSERT_EQ(Allowed(state), AllowedBySpec(y)) << "trial " << trial << " step " << i;
      y.push_back(static_cast<int>(random() % kVocabulary));
      state.Append(kRules, y.back());
    }
  }
}

// Whatever the decoder prefers, allowed sequences have times in pairs that never go back.
TEST(TimeFilterTest, AllowedSequencesAreWellFormed) {
  std::mt19937 random(11);
  int finished = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<int> y = {kRules.sos, 1, 2};
    TimeState state(kRules, y);
    for (int i = 0; i < 30 && y.back() != kRules.eos; ++i) {
      const std::vector<bool> allowed = Allowed(state);
      int token = static_cast<int>(random() % kVocabulary);
      for (int tries = 0; tries < kVocabulary && !allowed[static_cast<size_t>(token)]; ++tries) {
        token = (token + 1) % kVocabulary;
      }
      ASSERT_TRUE(allowed[static_cast<size_t>(token)]) << "nothing is allowed";
      // ESPnet's rule lets a decoder say <notimestamps> or <sos> in the text, which undo the order.
      if (token == kRules.notimestamps || token == kRules.sos) token = 1;
      y.push_back(token);
      state.Append(kRules, token);
    }
    if (y.back() != kRules.eos) continue;
    ++finished;
    std::vector<int> times;
    ASSERT_TRUE(kRules.IsTime(y[3]));
    for (size_t i = 3; i + 1 < y.size(); ++i) {
      if (kRules.IsTime(y[i])) {
        if (!times.empty()) {
          ASSERT_GE(y[i], times.back() + (times.size() % 2 == 1 ? 1 : 0));
        }
        times.push_back(y[i]);
      } else {
        ASSERT_EQ(times.size() % 2, 1u) << "text outside an utterance";
      }
    }
    ASSERT_EQ(times.size() % 2, 0u);
  }
  EXPECT_GT(finished, 500);
}

TEST(TimeFilterTest, RulesAreChecked) {
  EXPECT_TRUE(CheckTimeRules(kRules, kVocabulary).ok());
  EXPECT_EQ(CheckTimeRules(kRules, kVocabulary - 1).code(), StatusCode::kInvalidArgument);
  OwsmTimeRules backwards = kRules;
  backwards.first_time = 13;
  EXPECT_EQ(CheckTimeRules(backwards, kVocabulary).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace espalier
