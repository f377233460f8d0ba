#include "runtime/search/ctc_prefix_scorer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "runtime/search/log_math.h"
#include "tests/search/naive_search.h"

namespace espalier {
namespace {

std::vector<std::vector<float>> RandomRows(int steps, int vocabulary, uint64_t seed) {
  const PrefixFunction model = RandomModel(vocabulary, seed, 6.0);
  std::vector<std::vector<float>> rows;
  for (int t = 0; t < steps; ++t) rows.push_back(model({t}));
  return rows;
}

std::vector<float> Flatten(const std::vector<std::vector<float>>& rows) {
  std::vector<float> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return flat;
}

CtcPrefixScorer Make(int steps, int vocabulary, int eos, int hypotheses, int candidates) {
  auto scorer = CtcPrefixScorer::Create({.steps = steps,
                                         .vocabulary = vocabulary,
                                         .blank_id = 0,
                                         .eos_id = eos,
                                         .max_hypotheses = hypotheses,
                                         .max_candidates = candidates});
  EXPECT_TRUE(scorer.ok());
  return std::move(scorer).value();
}

// The labels that an alignment spells: repeats merged, blanks dropped.
std::vector<int> Collapse(const std::vector<int>& path) {
  std::vector<int> labels;
  for (size_t t = 0; t < path.size(); ++t) {
    if (path[t] != 0 && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
  }
  return labels;
}

// Σ over all alignments; `whole`: they spell `labels`, otherwise they begin with them.
double BruteForce(const std::vector<std::vector<float>>& rows, const std::vector<int>& labels,
                  bool whole) {
  const size_t steps = rows.size(), vocabulary = rows[0].size();
  double sum = 0.0;
  std::vector<int> path(steps, 0);
  while (true) {
    const std::vector<int> spelled = Collapse(path);
    const bool fits = whole ? spelled == labels
                            : spelled.size() >= labels.size() &&
                                  std::equal(labels.begin(), labels.end(), spelled.begin());
    if (fits) {
      double p = 0.0;
      for (size_t t = 0; t < steps; ++t) {
        p += static_cast<double>(rows[t][static_cast<size_t>(path[t])]);
      }
      sum += std::exp(p);
    }
    size_t t = 0;
    while (t < steps && ++path[t] == static_cast<int>(vocabulary)) path[t++] = 0;
    if (t == steps) return sum;
  }
}

// With a primer of one token (k = 0) the score is the textbook's prefix probability.
TEST(CtcPrefixScorerTest, EqualsTheSumOverAlignments) {
  constexpr int kSteps = 6, kVocabulary = 4, kEos = 3;
  const auto rows = RandomRows(kSteps, kVocabulary, 5);
  const auto flat = Flatten(rows);
  CtcPrefixScorer scorer = Make(kSteps, kVocabulary, kEos, 1, 2);
  ASSERT_TRUE(scorer.SetAudio(flat, kSteps).ok());
  const std::vector<int> candidates = {1, 2};
  for (const std::vector<int>& text : std::vector<std::vector<int>>{{1, 2}, {1, 1}, {2, 2, 1}}) {
    ASSERT_TRUE(scorer.Start(1).ok());
    std::vector<int> labels;
    int last = 99;  // sos: equal to no candidate
    double psi = 0.0;
    std::vector<float> deltas(2), eos(1);
    for (const int token : text) {
      ASSERT_TRUE(scorer.Score({&last, 1}, candidates, 2, deltas, eos).ok());
      EXPECT_NEAR(std::exp(psi + static_cast<double>(eos[0])), BruteForce(rows, labels, true),
                  1e-5);
      for (size_t c = 0; c < 2; ++c) {
        std::vector<int> longer = labels;
        longer.push_back(candidates[c]);
        EXPECT_NEAR(std::exp(psi + static_cast<double>(deltas[c])), BruteForce(rows, longer, false),
                    1e-5);
      }
      psi += static_cast<double>(deltas[static_cast<size_t>(token - 1)]);
      const int parent = 0, pick = token - 1;
      scorer.Keep({&parent, 1}, {&pick, 1});
      labels.push_back(token);
      last = token;
    }
  }
}

// Several hypotheses, primers longer than one token, up to the last prefix that fits.
TEST(CtcPrefixScorerTest, EqualsTheSpecsRecursion) {
  constexpr int kSteps = 9, kVocabulary = 8, kEos = 7, kBeam = 3, kCandidates = 4;
  const auto rows = RandomRows(kSteps, kVocabulary, 17);
  const auto flat = Flatten(rows);
  const naive::Ctc reference{rows};
  CtcPrefixScorer scorer = Make(kSteps, kVocabulary, kEos, kBeam, kCandidates);
  ASSERT_TRUE(scorer.SetAudio(flat, kSteps).ok());
  std::mt19937 random(23);
  for (size_t primer_length = 1; primer_length <= kSteps + 1; ++primer_length) {
    ASSERT_TRUE(scorer.Start(static_cast<int>(primer_length)).ok());
    std::vector<std::vector<int>> ys = {std::vector<int>(primer_length, 5)};
    std::vector<naive::CtcState> states = {reference.Initial()};
    while (ys[0].size() <= kSteps + 1) {
      std::vector<int> last, candidates;
      for (const auto& y : ys) {
        last.push_back(y.back());
        const int first = static_cast<int>(random() % 8);
        for (int c = 0; c < kCandidates; ++c) candidates.push_back((first + c) % kVocabulary);
      }
      std::vector<float> deltas(candidates.size()), eos(ys.size());
      ASSERT_TRUE(scorer.Score(last, candidates, kCandidates, deltas, eos).ok());
      std::vector<naive::CtcState> children;
      for (size_t lane = 0; lane < candidates.size(); ++lane) {
        const size_t h = lane / kCandidates;
        naive::CtcState child = reference.Step(ys[h], states[h], candidates[lane]);
        if (candidates[lane] == kEos) child.psi = reference.EosPsi(states[h]);
        const float expected = child.psi - states[h].psi;
        EXPECT_NEAR(deltas[lane], expected, std::max(1e-4f, std::abs(expected) * 1e-6f));
        children.push_back(std::move(child));
      }
      for (size_t h = 0; h < ys.size(); ++h) {
        const float expected = reference.EosPsi(states[h]) - states[h].psi;
        EXPECT_NEAR(eos[h], expected, std::max(1e-4f, std::abs(expected) * 1e-6f));
      }
      std::vector<int> parents, picks;
      std::vector<std::vector<int>> next_ys;
      std::vector<naive::CtcState> next_states;
      for (int i = 0; i < kBeam; ++i) {
        const size_t h = random() % ys.size();
        size_t lane = h * kCandidates + random() % kCandidates;
        if (candidates[lane] == kEos) lane = lane % kCandidates == 0 ? lane + 1 : lane - 1;
        parents.push_back(static_cast<int>(h));
        picks.push_back(static_cast<int>(lane % kCandidates));
        next_ys.push_back(ys[h]);
        next_ys.back().push_back(candidates[lane]);
        next_states.push_back(children[lane]);
      }
      scorer.Keep(parents, picks);
      ys = next_ys;
      states = next_states;
    }
  }
}

TEST(CtcPrefixScorerTest, APrimerLongerThanTheAudioIsAnError) {
  constexpr int kSteps = 4;
  const auto flat = Flatten(RandomRows(kSteps, 5, 1));
  CtcPrefixScorer scorer = Make(kSteps, 5, 4, 1, 1);
  EXPECT_EQ(scorer.Start(1).code(), StatusCode::kInvalidArgument) << "no audio";
  ASSERT_TRUE(scorer.SetAudio(flat, kSteps).ok());
  EXPECT_TRUE(scorer.Start(kSteps + 1).ok());
  const Status status = scorer.Start(kSteps + 2);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("longer than the audio's 4 encoder steps"), std::string::npos);
}

TEST(CtcPrefixScorerTest, SizesAreChecked) {
  EXPECT_FALSE(CtcPrefixScorer::Create({.steps = 0, .vocabulary = 5}).ok());
  EXPECT_FALSE(CtcPrefixScorer::Create({.steps = 3, .vocabulary = 5, .eos_id = 5}).ok());
  CtcPrefixScorer scorer = Make(4, 5, 4, 1, 2);
  std::vector<float> flat(20, -1.6f);
  EXPECT_FALSE(scorer.SetAudio(flat, 3).ok());
  EXPECT_FALSE(scorer.SetAudio(std::vector<float>(25), 5).ok());
  ASSERT_TRUE(scorer.SetAudio(flat, 4).ok());
  ASSERT_TRUE(scorer.Start(1).ok());
  const int last = 4;
  std::vector<float> deltas(2), eos(1);
  const std::vector<int> outside = {1, 5};
  EXPECT_FALSE(scorer.Score({&last, 1}, outside, 2, deltas, eos).ok());
  EXPECT_FALSE(scorer.Score({&last, 1}, {outside.data(), 1}, 2, deltas, eos).ok());
}

}  // namespace
}  // namespace espalier
