#include "runtime/search/whisper_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/search/allocation_counter.h"
#include "tests/search/naive_whisper.h"
#include "tests/search/test_scorers.h"

namespace espalier {
namespace {

using naive_whisper::kIds;
using naive_whisper::kPlainPrompt;
using naive_whisper::kPrompt;
using naive_whisper::kVocabulary;

constexpr int kPositions = 60;

WhisperRules Rules(bool timestamps = true) {
  return WhisperRules::Create(kIds, kVocabulary, timestamps).value();
}

Result<WhisperResult> Decode(TokenScorer& scorer, const std::vector<int>& prompt,
                             const WhisperDecodeOptions& options, double temperature = 0.0,
                             uint64_t seed = 1, const std::stop_token& stop = {}) {
  const bool timestamps = prompt.back() != kIds.no_timestamps;
  SampleGenerator generator{seed};
  return WhisperSearch(scorer, Rules(timestamps), prompt, options, temperature, generator, stop);
}

FunctionScorer Scorer(const PrefixFunction& function, int positions = kPositions) {
  return FunctionScorer(kVocabulary, 8, positions, function);
}

TEST(WhisperSearchTest, ThePromptHasTheEndOfThePreviousText) {
  const std::vector<int> previous = {1, 2, 3, 4, 5};
  const auto build = [&](const WhisperPromptParts& parts, int positions) {
    return BuildWhisperPrompt(kIds, parts, positions);
  };
  EXPECT_EQ(build({.language = 12, .task = 14}, 448), kPrompt);
  EXPECT_EQ(build({.language = 12, .task = 14, .timestamps = false}, 448), kPlainPrompt);
  EXPECT_EQ(build({.previous = previous, .language = 12, .task = 14}, 448),
            (std::vector<int>{15, 1, 2, 3, 4, 5, 11, 12, 14}));
  EXPECT_EQ(build({.previous = previous, .language = 12, .task = 14}, 8),
            (std::vector<int>{15, 3, 4, 5, 11, 12, 14}))
      << "8 / 2 - 1 tokens";
  EXPECT_EQ(build({}, 448), (std::vector<int>{11})) << "an English-only model";
}

TEST(WhisperSearchTest, ABeamOfOneIsGreedy) {
  int ended = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const PrefixFunction function = RandomModel(kVocabulary, seed, 9.0);
    for (const auto* prompt : {&kPrompt, &kPlainPrompt}) {
      SCOPED_TRACE(seed);
      const naive_whisper::Model model{function, *prompt, prompt == &kPrompt};
      const auto expected = naive_whisper::Greedy(model, kPositions / 2);
      FunctionScorer scorer = Scorer(function);
      const auto result = Decode(scorer, *prompt, {.repetition = {.enabled = false}});
      ASSERT_TRUE(result.ok()) << result.status().message();
      EXPECT_EQ(result->tokens, expected.tokens);
      EXPECT_NEAR(result->avg_log_prob,
                  expected.sum / static_cast<double>(expected.tokens.size() + 1), 1e-4);
      EXPECT_EQ(result->outcome,
                expected.ended ? DecodeOutcome::kComplete : DecodeOutcome::kTruncated);
      ended += expected.ended ? 1 : 0;
    }
  }
  EXPECT_GT(ended, 100);
}

TEST(WhisperSearchTest, ABeamEqualsDecodingPyWrittenPlainly) {
  int complete = 0, truncated = 0;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    const PrefixFunction function = RandomModel(kVocabulary, seed, 7.0);
    for (const int beam : {2, 3, 5}) {
      for (const auto* prompt : {&kPrompt, &kPlainPrompt}) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << " beam " << beam);
        const int positions = seed % 2 == 0 ? kPositions : 14;
        const naive_whisper::Model model{function, *prompt, prompt == &kPrompt};
        const auto expected = naive_whisper::Beam(model, static_cast<size_t>(beam), positions / 2);
        FunctionScorer scorer = Scorer(function, positions);
        const auto result =
            Decode(scorer, *prompt, {.beam_size = beam, .repetition = {.enabled = false}});
        ASSERT_TRUE(result.ok()) << result.status().message();
        EXPECT_EQ(result->tokens, expected.tokens);
        EXPECT_NEAR(result->avg_log_prob, model.Average(expected.tokens, expected.ended), 1e-4);
        EXPECT_EQ(result->outcome == DecodeOutcome::kComplete, expected.ended);
        ++(expected.ended ? complete : truncated);
      }
    }
  }
  EXPECT_GT(complete, 100);
  EXPECT_GT(truncated, 20);
}

TEST(WhisperSearchTest, NoSpeechIsReadAtTheStartTokenBeforeTheRules) {
  const PrefixFunction function = RandomModel(kVocabulary, 4, 6.0);
  const std::vector<int> prompt = {15, 1, 2, 11, 12, 14};
  FunctionScorer scorer = Scorer(function);
  const auto result = Decode(scorer, prompt, {});
  ASSERT_TRUE(result.ok());
  const std::vector<float> row = function({15, 1, 2, 11});
  EXPECT_NEAR(result->no_speech_prob, std::exp(static_cast<double>(row[16])), 1e-7);
  EXPECT_EQ(scorer.starts, 1);
}

// Says one of three tokens with 0.5, 0.3, 0.2, then the end.
std::vector<float> ThreeWords(const std::vector<int>& prefix) {
  std::vector<float> row(kVocabulary, -30.0f);
  if (prefix.back() != kIds.no_timestamps) {
    row[10] = 0.0f;
    return row;
  }
  row[1] = std::log(0.5f);
  row[2] = std::log(0.3f);
  row[4] = std::log(0.2f);
  return row;
}

TEST(WhisperSearchTest, SamplesFollowTheTemperature) {
  FunctionScorer scorer = Scorer(ThreeWords);
  SampleGenerator generator{5};
  const WhisperRules rules = Rules(false);
  for (const double temperature : {0.4, 1.0, 2.0}) {
    constexpr int kTrials = 4000;
    int counts[kVocabulary] = {};
    for (int i = 0; i < kTrials; ++i) {
      const auto result =
          WhisperSearch(scorer, rules, kPlainPrompt, {}, temperature, generator, {});
      ASSERT_TRUE(result.ok());
      ASSERT_EQ(result->tokens.size(), 1u);
      EXPECT_EQ(result->temperature, temperature);
      const auto token = static_cast<size_t>(result->tokens[0]);
      ++counts[token];
      const double log_prob = static_cast<double>(ThreeWords(kPlainPrompt)[token]);
      ASSERT_NEAR(result->avg_log_prob, log_prob / 2, 1e-4) << "probabilities at temperature 1";
    }
    const double p[] = {std::pow(0.5, 1 / temperature), std::pow(0.3, 1 / temperature),
                        std::pow(0.2, 1 / temperature)};
    const double sum = p[0] + p[1] + p[2];
    EXPECT_NEAR(counts[1], kTrials * p[0] / sum, 130);
    EXPECT_NEAR(counts[2], kTrials * p[1] / sum, 130);
    EXPECT_NEAR(counts[4], kTrials * p[2] / sum, 130);
  }
}

TEST(WhisperSearchTest, TheBestSampleIsTaken) {
  // After 1 every word is a guess; after 2 (as likely) all is certain.
  const auto function = [](const std::vector<int>& prefix) {
    std::vector<float> row(kVocabulary, -30.0f);
    if (prefix.size() <= 4) {  // the prompt; the search also asks at its start token
      row[1] = row[2] = std::log(0.5f);
    } else if (prefix.size() == 7) {
      row[10] = 0.0f;
    } else if (prefix[4] == 2) {
      row[5] = 0.0f;
    } else {
      for (size_t v = 5; v < 9; ++v) row[v] = std::log(0.25f);
    }
    return row;
  };
  FunctionScorer scorer = Scorer(function);
  int certain = 0, certain_alone = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto best = Decode(scorer, kPlainPrompt, {.best_of = 8}, 1.0, seed);
    const auto alone = Decode(scorer, kPlainPrompt, {.best_of = 1}, 1.0, seed);
    ASSERT_TRUE(best.ok() && alone.ok());
    ASSERT_EQ(best->tokens.size(), 3u);
    certain += best->tokens[0] == 2 ? 1 : 0;
    certain_alone += alone->tokens[0] == 2 ? 1 : 0;
  }
  EXPECT_GE(certain, 39);
  EXPECT_LT(certain_alone, 32);
}

TEST(WhisperSearchTest, SamplesObeyTheRulesAndRepeatForASeed) {
  int different = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const PrefixFunction function = RandomModel(kVocabulary, seed, 6.0);
    FunctionScorer scorer = Scorer(function);
    const WhisperDecodeOptions options{.best_of = 3, .repetition = {.enabled = false}};
    const auto first = Decode(scorer, kPrompt, options, 0.8, seed);
    const auto again = Decode(scorer, kPrompt, options, 0.8, seed);
    const auto other = Decode(scorer, kPrompt, options, 0.8, seed + 1000);
    ASSERT_TRUE(first.ok() && again.ok() && other.ok());
    EXPECT_EQ(first->tokens, again->tokens);
    different += first->tokens != other->tokens ? 1 : 0;
    // Finite only if the rules allow each of the tokens.
    const naive_whisper::Model model{function, kPrompt, true};
    EXPECT_NEAR(first->avg_log_prob,
                model.Average(first->tokens, first->outcome == DecodeOutcome::kComplete), 1e-4);
  }
  EXPECT_GT(different, 40);
}

// A decoder that says 1, 2, 4, 5, 1, … with near certainty and never ends.
std::vector<float> Endless(const std::vector<int>& prefix) {
  constexpr size_t kCycle[] = {1, 2, 4, 5};
  std::vector<float> row(kVocabulary, -20.0f);
  row[kCycle[prefix.size() % 4]] = -0.001f;
  return row;
}

TEST(WhisperSearchTest, TheLimitTruncates) {
  const WhisperDecodeOptions options{
      .beam_size = 2, .best_of = 2, .repetition = {.enabled = false}};
  for (const double temperature : {0.0, 0.5}) {
    FunctionScorer scorer = Scorer(Endless, 40);
    auto result = Decode(scorer, kPlainPrompt, options, temperature);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(result->outcome, DecodeOutcome::kTruncated);
    EXPECT_EQ(result->tokens.size(), 20u) << "half of the positions";
    // A prompt that leaves less: the last step reads a full decoder.
    std::vector<int> prompt(30, 1);
    prompt.insert(prompt.end(), kPlainPrompt.begin(), kPlainPrompt.end());
    result = Decode(scorer, prompt, options, temperature);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(result->tokens.size(), 7u) << "prefixes of 34 to 40 tokens";
  }
}

TEST(WhisperSearchTest, LoopsAreCut) {
  for (const double temperature : {0.0, 0.2}) {
    for (const int width : {1, 3}) {
      FunctionScorer scorer = Scorer(Endless, 448);
      const auto result =
          Decode(scorer, kPlainPrompt, {.beam_size = width, .best_of = width}, temperature);
      ASSERT_TRUE(result.ok());
      EXPECT_EQ(result->outcome, DecodeOutcome::kRepetition);
      EXPECT_EQ(result->tokens, (std::vector<int>{1, 2, 4, 5}));
      EXPECT_NEAR(result->avg_log_prob, -0.001, 1e-3) << "of all that was said";
    }
  }
}

TEST(WhisperSearchTest, ALoopsAverageIsOfAllThatWasSaid) {
  const auto function = [](const std::vector<int>& prefix) {
    auto row = Endless(prefix);
    for (float& log_prob : row) log_prob = log_prob > -1.0f ? std::log(0.9f) : log_prob;
    row[7] = std::log(0.1f);
    return row;
  };
  FunctionScorer scorer = Scorer(function, 448);
  const auto result = Decode(scorer, kPlainPrompt, {});
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->outcome, DecodeOutcome::kRepetition);
  const int said = scorer.advances + 1;
  EXPECT_GT(said, 8);
  EXPECT_NEAR(result->avg_log_prob, std::log(0.9) * said / (said + 1), 1e-4);
}

TEST(WhisperSearchTest, StopsAsSoonAsTheBeamHasEnded) {
  // The end is as likely as a word, so that one hypothesis of the beam ends in each step.
  const auto function = [](const std::vector<int>& prefix) {
    std::vector<float> row(kVocabulary, -30.0f);
    row[10] = std::log(0.5f);
    row[1 + prefix.size() % 4] = std::log(0.5f);
    return row;
  };
  for (const int beam : {1, 2, 3}) {
    FunctionScorer scorer = Scorer(function);
    const auto result = Decode(scorer, kPlainPrompt, {.beam_size = beam});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->outcome, DecodeOutcome::kComplete);
    EXPECT_LE(scorer.advances, beam + 1);
  }
}

TEST(WhisperSearchTest, ArgumentsAreChecked) {
  FunctionScorer scorer = Scorer(RandomModel(kVocabulary, 1, 6.0));
  const auto code = [&](const std::vector<int>& prompt, const WhisperDecodeOptions& options,
                        double temperature) {
    return Decode(scorer, prompt, options, temperature).status().code();
  };
  const auto bad = StatusCode::kInvalidArgument;
  EXPECT_EQ(code(kPrompt, {.beam_size = 9}, 0.0), bad) << "wider than the scorer";
  EXPECT_EQ(code(kPrompt, {.beam_size = 9}, 0.5), StatusCode::kOk) << "no beam when sampling";
  EXPECT_EQ(code(kPrompt, {.beam_size = 0}, 0.0), bad);
  EXPECT_EQ(code(kPrompt, {.best_of = 0}, 0.5), bad);
  EXPECT_EQ(code(kPrompt, {}, -0.1), bad);
  EXPECT_EQ(code(kPrompt, {}, std::nan("")), bad);
  EXPECT_EQ(code({12, 14}, {}, 0.0), bad) << "no start token";
  EXPECT_EQ(code(std::vector<int>(kPositions + 1, kIds.sot), {}, 0.0), bad);
  FunctionScorer other(kVocabulary + 1, 8, kPositions, RandomModel(kVocabulary + 1, 1, 6.0));
  EXPECT_EQ(Decode(other, kPrompt, {}).status().code(), bad);
}

TEST(WhisperSearchTest, ADecoderWithoutNumbersIsAnError) {
  for (const double temperature : {0.0, 0.5}) {
    FunctionScorer scorer = Scorer([](const std::vector<int>& prefix) {
      const float value = prefix.size() < 5 ? -1.0f : std::numeric_limits<float>::quiet_NaN();
      return std::vector<float>(kVocabulary, value);
    });
    EXPECT_EQ(Decode(scorer, kPrompt, {}, temperature).status().code(), StatusCode::kInternal);
  }
}

TEST(WhisperSearchTest, StopsWhenAsked) {
  std::stop_source source;
  int calls = 0;
  FunctionScorer scorer = Scorer([&](const std::vector<int>& prefix) {
    if (++calls == 5) source.request_stop();
    return Endless(prefix);
  });
  const auto result = Decode(scorer, kPlainPrompt, {}, 0.0, 1, source.get_token());
  EXPECT_EQ(result.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(calls, 5);
}

// Says all with much the same probability; fails or counts allocations between its calls.
class FlatScorer : public TokenScorer {
 public:
  explicit FlatScorer(int failing_step) : failing_step_(failing_step) {}
  int vocabulary_size() const override { return kVocabulary; }
  int max_hypotheses() const override { return 5; }
  int max_positions() const override { return 448; }
  Status Start(std::span<const int>, std::span<const int>, std::span<float> rows) override {
    return Fill(rows);
  }
  Status Advance(std::span<const int>, std::span<const int>, std::span<float> rows) override {
    if (++steps > 1) allocations += AllocationCount() - before_;  // TokenScorer makes its rows
    return Fill(rows);
  }

  int steps = 0;
  size_t allocations = 0;

 private:
  Status Fill(std::span<float> rows) {
    if (steps == failing_step_) return Status(StatusCode::kDeviceLost, "gone");
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i] = -3.0f - 0.001f * static_cast<float>((i * 7 + static_cast<size_t>(steps) * 5) % 11);
    }
    for (size_t row = 0; row < rows.size(); row += kVocabulary) rows[row + 10] = -14.0f;
    before_ = AllocationCount();
    return OkStatus();
  }

  int failing_step_;
  size_t before_ = 0;
};

TEST(WhisperSearchTest, AStepAllocatesNothing) {
  for (const double temperature : {0.0, 1.0}) {
    FlatScorer scorer(-1);
    const auto result = Decode(scorer, kPlainPrompt, {.beam_size = 5, .best_of = 5}, temperature);
    ASSERT_TRUE(result.ok());
    EXPECT_GT(scorer.steps, 20);
    EXPECT_EQ(scorer.allocations, 0u);
  }
}

TEST(WhisperSearchTest, TheScorersErrorsPass) {
  for (const int step : {0, 1, 7}) {
    FlatScorer scorer(step);
    EXPECT_EQ(Decode(scorer, kPlainPrompt, {.beam_size = 3}).status().code(),
              StatusCode::kDeviceLost);
  }
}

}  // namespace
}  // namespace espalier
