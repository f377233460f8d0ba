#include "runtime/search/beam_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/search/allocation_counter.h"
#include "tests/search/naive_search.h"
#include "tests/search/test_scorers.h"

namespace espalier {
namespace {

// blank 0, text 1 … 4, no times 5, times 6 … 9, sos 10, eos 11.
constexpr int kVocabulary = 12;
constexpr OwsmTimeRules kRules{
    .sos = 10, .eos = 11, .notimestamps = 5, .first_time = 6, .last_time = 9};
const std::vector<int> kTextPrimer = {10, 1, 2, 5};
const std::vector<int> kTimePrimer = {10, 1, 2};

FunctionScorer Scorer(const PrefixFunction& function, int beam = 64, int positions = 1000) {
  return FunctionScorer(kVocabulary, beam, positions, function);
}

// What CTC hears, blank 0.
struct CtcSetup {
  std::vector<std::vector<float>> rows;

  CtcSetup(int steps, uint64_t seed) {
    const PrefixFunction model = RandomModel(kVocabulary, seed, 8.0);
    for (int t = 0; t < steps; ++t) rows.push_back(model({t}));
  }

  naive::CtcScorer Join(const FunctionScorer& scorer, int beam) const {
    return naive::CtcScorer(scorer, {rows}, CtcCandidateCount(beam, kVocabulary), kRules.eos);
  }
};

void ExpectEqual(const BeamResult& result, const std::vector<naive::Hyp>& expected, int beam) {
  // A naive n-best may hold hypotheses that only exist because nothing else was left.
  size_t count = 0;
  while (count < expected.size() && count < static_cast<size_t>(beam) &&
         expected[count].score > -1e6f) {
    ++count;
  }
  ASSERT_GE(result.nbest.size(), count);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(result.nbest[i].tokens, expected[i].y) << i;
    EXPECT_NEAR(result.nbest[i].score, static_cast<double>(expected[i].score), 1e-3) << i;
    EXPECT_NEAR(result.nbest[i].parts.decoder, expected[i].decoder, 1e-3) << i;
    EXPECT_NEAR(result.nbest[i].parts.ctc, expected[i].ctc, 1e-3) << i;
  }
}

TEST(BeamSearchTest, EqualsTheSpecWrittenPlainly) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const PrefixFunction model = RandomModel(kVocabulary, seed, 9.0);
    const CtcSetup audio(16, seed + 1000);
    for (const int beam : {1, 2, 5}) {
      for (int variant = 0; variant < 6; ++variant) {
        BeamOptions options{.beam_size = beam};
        if (variant == 1) options.length_penalty = 0.7;
        if (variant == 2) options.ctc_weight = 0.3;
        if (variant == 3) options.maxlen_ratio = 0.4, options.minlen_ratio = 0.15;
        if (variant == 4) options.normalize_length = true, options.maxlen_ratio = -9;
        if (variant == 5) options.ctc_weight = 0.5, options.maxlen_ratio = 0.5;
        const bool with_ctc = options.ctc_weight > 0;
        const bool with_times = !with_ctc && seed % 2 == 0;
        const auto& primer = with_times ? kTimePrimer : kTextPrimer;
        FunctionScorer scorer = Scorer(model);
        naive::CtcScorer joint = audio.Join(scorer, beam);
        const auto result = BeamSearch(with_ctc ? joint : scorer, kRules, primer, 16, options, {});
        ASSERT_TRUE(result.ok()) << result.status().message();
        const naive::Ctc naive_ctc{audio.rows};
        // The plain version fails where the prefix outgrows the audio; see the limits below.
        BeamOptions plain = options;
        if (with_ctc && plain.maxlen_ratio == 0) continue;
        SCOPED_TRACE(testing::Message()
                     << "seed " << seed << " beam " << beam << " variant " << variant);
        ExpectEqual(
            *result,
            naive::Search(model, with_ctc ? &naive_ctc : nullptr, kRules, primer, 16, plain), beam);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 500);
}

// With a beam wider than the tree of all sequences, the best of all sequences is found.
TEST(BeamSearchTest, AWideBeamIsExhaustive) {
  constexpr OwsmTimeRules rules{
      .sos = 4, .eos = 5, .notimestamps = 3, .first_time = 2, .last_time = 2};
  const std::vector<int> primer = {4, 0, 1, 3};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const PrefixFunction model = RandomModel(6, seed, 6.0);
    // Every sequence of up to 4 tokens that ends in eos or at the limit.
    double best = -1e9;
    std::vector<int> best_tokens;
    const auto visit = [&](const auto& self, std::vector<int> y, double score) -> void {
      const std::vector<float> row = model(y);
      for (int v = 0; v < 6; ++v) {
        if (rules.IsTime(v)) continue;
        std::vector<int> longer = y;
        longer.push_back(v);
        const double sum = score + static_cast<double>(row[static_cast<size_t>(v)]);
        const bool full = longer.size() == primer.size() + 4;
        if (full) longer.push_back(rules.eos);
        if (v != rules.eos && !full) {
          self(self, longer, sum);
        } else if (sum > best) {
          best = sum;
          best_tokens = longer;
        }
      }
    };
    visit(visit, primer, 0.0);
    FunctionScorer scorer(6, 1000, 100, model);
    const BeamOptions options{.beam_size = 1000, .maxlen_ratio = -4};
    const auto result = BeamSearch(scorer, rules, primer, 20, options, {});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->nbest[0].tokens, best_tokens);
    EXPECT_NEAR(result->nbest[0].score, best, 1e-4);
  }
}

TEST(BeamSearchTest, TheScoreIsTheWeightedSumOfItsParts) {
  const CtcSetup audio(40, 3);
  naive::CtcScorer scorer = audio.Join(Scorer(RandomModel(kVocabulary, 3, 9.0)), 5);
  const BeamOptions options{.ctc_weight = 0.3, .length_penalty = 0.4, .maxlen_ratio = 0.3};
  const auto result = BeamSearch(scorer, kRules, kTextPrimer, 40, options, {});
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->nbest.size(), 5u);
  for (const Hypothesis& hypothesis : result->nbest) {
    const ScoreParts& parts = hypothesis.parts;
    EXPECT_NEAR(hypothesis.score, 0.7 * parts.decoder + 0.3 * parts.ctc + 0.4 * parts.length_bonus,
                1e-4);
    const size_t forced = hypothesis.outcome == DecodeOutcome::kTruncated ? 1 : 0;
    EXPECT_EQ(parts.length_bonus,
              static_cast<double>(hypothesis.tokens.size() - kTextPrimer.size() - forced));
  }
}

TEST(BeamSearchTest, GreedyFollowsTheLargestLogProbability) {
  const PrefixFunction model = RandomModel(kVocabulary, 8, 9.0);
  FunctionScorer scorer = Scorer(model, 1);
  const auto result = BeamSearch(scorer, kRules, kTextPrimer, 60, {.beam_size = 1}, {});
  ASSERT_TRUE(result.ok());
  std::vector<int> y = kTextPrimer;
  while (y.back() != kRules.eos && y.size() < 70) {
    const std::vector<float> row = model(y);
    int best = 0;
    for (int v = 0; v < kVocabulary; ++v) {
      if (!kRules.IsTime(v) && row[static_cast<size_t>(v)] > row[static_cast<size_t>(best)])
        best = v;
    }
    y.push_back(best);
  }
  ASSERT_EQ(y.back(), kRules.eos) << "choose another seed";
  EXPECT_EQ(result->nbest[0].tokens, y);
  EXPECT_EQ(result->steps, static_cast<int>(y.size() - kTextPrimer.size()));
}

// A decoder that says 1, 2, 3, 4, 1, … with near certainty and never ends.
std::vector<float> Endless(const std::vector<int>& prefix) {
  std::vector<float> row(kVocabulary, -20.0f);
  row[prefix.size() % 4 + 1] = -0.001f;
  return row;
}

TEST(BeamSearchTest, LimitsTruncateAndSaySo) {
  BeamOptions options{.beam_size = 2, .repetition = {.enabled = false}};
  options.maxlen_ratio = -7;
  FunctionScorer scorer = Scorer(Endless);
  const auto run = [&] {
    auto result = BeamSearch(scorer, kRules, kTextPrimer, 50, options, {});
    EXPECT_TRUE(result.ok());
    return std::move(result).value();
  };
  BeamResult result = run();
  EXPECT_EQ(result.outcome, DecodeOutcome::kTruncated);
  EXPECT_EQ(result.nbest[0].tokens.size(), kTextPrimer.size() + 7 + 1);
  EXPECT_EQ(result.steps, 7);
  options.step_limit = 5;
  EXPECT_EQ(run().nbest[0].tokens.size(), kTextPrimer.size() + 5 + 1);
  // What the decoder can hold is a limit like any other.
  options = {.beam_size = 2, .repetition = {.enabled = false}};
  scorer = Scorer(Endless, 64, 10);
  result = run();
  EXPECT_EQ(result.outcome, DecodeOutcome::kTruncated);
  EXPECT_EQ(result.steps, 7) << "steps read prefixes of 4 to 10 tokens";
}

TEST(BeamSearchTest, AHypothesisThatOutgrowsTheAudioIsTruncated) {
  const CtcSetup audio(12, 4);
  naive::CtcScorer scorer = audio.Join(Scorer(Endless), 2);
  const BeamOptions options{.beam_size = 2, .ctc_weight = 0.1, .minlen_ratio = -1000};
  const auto result = BeamSearch(scorer, kRules, kTextPrimer, 12, options, {});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_LE(result->steps, 10) << "prefixes of 4 to 13 tokens";
}

TEST(BeamSearchTest, NoRoomForAnEndGivesAnEmptyResult) {
  FunctionScorer scorer = Scorer(RandomModel(kVocabulary, 8, 9.0));
  const BeamOptions options{.maxlen_ratio = 0.5, .minlen_ratio = 0.5};
  const auto result = BeamSearch(scorer, kRules, kTextPrimer, 20, options, {});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->nbest.empty());
  EXPECT_EQ(result->outcome, DecodeOutcome::kEmpty);
  EXPECT_EQ(result->steps, 10);
}

TEST(BeamSearchTest, LoopsAreCut) {
  for (const int beam : {1, 3}) {
    FunctionScorer scorer = Scorer(Endless);
    const auto result = BeamSearch(scorer, kRules, kTextPrimer, 700, {.beam_size = beam}, {});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->outcome, DecodeOutcome::kRepetition);
    EXPECT_LT(result->steps, 150);
    EXPECT_EQ(result->nbest[0].tokens, (std::vector<int>{10, 1, 2, 5, 1, 2, 3, 4, 11}));
  }
}

// Random decoders with times: whatever ends by itself is well formed.
TEST(BeamSearchTest, TimesPairUpAndNeverGoBack) {
  int complete = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    FunctionScorer scorer = Scorer(RandomModel(kVocabulary, seed, 12.0));
    const auto result = BeamSearch(scorer, kRules, kTimePrimer, 30, {}, {});
    ASSERT_TRUE(result.ok());
    for (const Hypothesis& hypothesis : result->nbest) {
      std::vector<int> times;
      // ESPnet's rule lets a decoder say <notimestamps> or <sos> in the text, which undo the order.
      const auto& y = hypothesis.tokens;
      if (std::find(y.begin(), y.end(), kRules.notimestamps) != y.end()) continue;
      if (std::find(y.begin() + 1, y.end(), kRules.sos) != y.end()) continue;
      for (const int token : hypothesis.tokens) {
        if (!kRules.IsTime(token)) continue;
        EXPECT_GE(token, times.empty() ? 0 : times.back());
        times.push_back(token);
      }
      EXPECT_TRUE(kRules.IsTime(hypothesis.tokens[3]));
      if (hypothesis.outcome != DecodeOutcome::kComplete) continue;
      ++complete;
      EXPECT_EQ(times.size() % 2, 0u);
    }
  }
  EXPECT_GT(complete, 20);
}

TEST(BeamSearchTest, ArgumentsAreChecked) {
  FunctionScorer scorer = Scorer(RandomModel(kVocabulary, 1, 9.0), 4, 50);
  const CtcSetup audio(10, 1);
  naive::CtcScorer joint = audio.Join(scorer, 2);
  const auto code = [&](const std::vector<int>& primer, BeamOptions options,
                        TokenScorer* with = nullptr) {
    return BeamSearch(with == nullptr ? scorer : *with, kRules, primer, 10, options, {})
        .status()
        .code();
  };
  const auto bad = StatusCode::kInvalidArgument;
  EXPECT_EQ(code(kTextPrimer, {.beam_size = 5}), bad) << "wider than the scorer";
  EXPECT_EQ(code(kTextPrimer, {.beam_size = 0}), bad);
  EXPECT_EQ(code({10, 1}, {.beam_size = 2}), bad) << "no task";
  EXPECT_EQ(code(std::vector<int>(51, 5), {.beam_size = 2}), bad);
  EXPECT_EQ(code(kTextPrimer, {.beam_size = 2, .ctc_weight = 0.3}), bad) << "no CTC";
  EXPECT_EQ(code(kTimePrimer, {.beam_size = 2, .ctc_weight = 0.3}, &joint), bad) << "CTC and times";
  EXPECT_EQ(code(kTextPrimer, {.beam_size = 2, .ctc_weight = 1.5}, &joint), bad);
  EXPECT_EQ(code(std::vector<int>(12, 5), {.beam_size = 2, .ctc_weight = 0.3}, &joint), bad);
  EXPECT_EQ(code(kTextPrimer, {.beam_size = 4, .ctc_weight = 0.3}, &joint), bad) << "too few";
  EXPECT_EQ(code(kTextPrimer, {.beam_size = 2, .ctc_weight = 0.3}, &joint), StatusCode::kOk);
  const BeamOptions no_number{.beam_size = 2, .length_penalty = std::nan("")};
  EXPECT_EQ(code(kTextPrimer, no_number), bad);
}

TEST(BeamSearchTest, ADecoderWithoutNumbersIsAnError) {
  FunctionScorer scorer = Scorer([](const std::vector<int>&) {
    return std::vector<float>(kVocabulary, std::numeric_limits<float>::quiet_NaN());
  });
  EXPECT_EQ(BeamSearch(scorer, kRules, kTextPrimer, 9, {}, {}).status().code(),
            StatusCode::kInternal);
}

TEST(BeamSearchTest, StopsWhenAsked) {
  std::stop_source source;
  int calls = 0;
  FunctionScorer scorer = Scorer([&](const std::vector<int>& prefix) {
    if (++calls == 5) source.request_stop();
    return Endless(prefix);
  });
  const auto result =
      BeamSearch(scorer, kRules, kTextPrimer, 500, {.beam_size = 1}, source.get_token());
  EXPECT_EQ(result.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(calls, 5);
}

// Says everything with much the same probability, so that all hypotheses stay alive; counts the
// allocations between two of its calls. The first step is left out: TokenScorer's rows are made.
class QuietScorer : public TokenScorer {
 public:
  int vocabulary_size() const override { return kVocabulary; }
  int max_hypotheses() const override { return 5; }
  int max_positions() const override { return 1000; }
  Status Start(std::span<const int>, std::span<const int>, std::span<float> rows) override {
    Fill(rows);
    before_ = AllocationCount();
    return OkStatus();
  }
  Status Advance(std::span<const int>, std::span<const int>, std::span<float> rows) override {
    if (++steps > 1) {
      if (AllocationCount() != before_)
        first_allocating_step = std::min(first_allocating_step, steps);
      allocations += AllocationCount() - before_;
    }
    Fill(rows);
    before_ = AllocationCount();
    return OkStatus();
  }

  // With CTC, whose scores are noise as well.
  int ctc_candidate_count() const override { return ctc_candidates; }
  Status StartAndPick(std::span<const int> prompt, std::span<const int32_t> allowed,
                      const TokenGroups& groups, TokenChoices* choices) override {
    Fill(choices->ctc_scores(1));
    return TokenScorer::StartAndPick(prompt, allowed, groups, choices);
  }
  Status AdvanceAndPick(const SearchStep& step, const TokenGroups& groups,
                        TokenChoices* choices) override {
    Fill(choices->ctc_scores(step.tokens.size()));
    return TokenScorer::AdvanceAndPick(step, groups, choices);
  }

  int ctc_candidates = 0;
  int steps = 0;
  int first_allocating_step = 1000;
  size_t allocations = 0;

 private:
  void Fill(std::span<float> rows) {
    for (size_t i = 0; i < rows.size(); ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      const float noise = static_cast<float>(state_ >> 40) * 0x1p-24f;
      rows[i] = i % kVocabulary == 11 ? -4.0f : -2.4f - 0.1f * noise;
    }
  }
  uint64_t state_ = 1;
  size_t before_ = 0;
};

TEST(BeamSearchTest, AllocatesNothingInAStep) {
  for (const double ctc_weight : {0.0, 0.2}) {
    QuietScorer scorer;
    if (ctc_weight > 0) scorer.ctc_candidates = CtcCandidateCount(5, kVocabulary);
    const BeamOptions options{.ctc_weight = ctc_weight, .maxlen_ratio = -90};
    const auto result = BeamSearch(scorer, kRules, kTextPrimer, 120, options, {});
    ASSERT_TRUE(result.ok());
    EXPECT_GT(scorer.steps, 40);
    EXPECT_EQ(scorer.allocations, 0u) << "first in step " << scorer.first_allocating_step;
  }
}

}  // namespace
}  // namespace espalier
