// CtcPrefixScore step by step, as a search runs it: against the sum over all alignments and against
// the spec's recursion.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/reference/reference_backend.h"
#include "runtime/graph/plan.h"
#include "tests/search/naive_search.h"

namespace espalier {
namespace {

std::vector<std::vector<float>> RandomRows(int steps, int vocabulary, uint64_t seed) {
  const PrefixFunction model = RandomModel(vocabulary, seed, 6.0);
  std::vector<std::vector<float>> rows;
  for (int t = 0; t < steps; ++t) rows.push_back(model({t}));
  return rows;
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

// The op alone in a plan, its states in two halves as a session keeps them. Blank is 0, eos the
// last id.
class Scorer {
 public:
  Scorer(Backend& backend, const std::vector<std::vector<float>>& rows, int beam, int candidates)
      : candidates_(candidates), half_(beam * candidates) {
    const auto steps = static_cast<int32_t>(rows.size());
    const auto vocabulary = static_cast<int32_t>(rows[0].size());
    auto plan = std::make_shared<Plan>();
    plan->name = "ctc";
    plan->lengths = {{.name = "rows", .max = beam}, {.name = "steps", .max = steps}};
    const auto slot = [&](const char* name, DType dtype, int32_t length, int32_t fixed_rows,
                          int32_t columns) {
      plan->slots.push_back({.name = name,
                             .dtype = dtype,
                             .length = length,
                             .fixed_rows = fixed_rows,
                             .columns = columns,
                             .external = plan->external_count++});
      auto buffer = backend.Allocate(static_cast<size_t>(plan->MaxBytes(plan->slots.back())));
      EXPECT_TRUE(buffer.ok()) << buffer.status().message();
      buffers_.push_back(std::move(buffer).value());
      return TensorRef{.slot = plan->external_count - 1, .column_count = columns};
    };
    CtcPrefixScoreOp op{.log_probs = slot("log_probs", DType::kF32, 1, 0, vocabulary),
                        .tokens = slot("tokens", DType::kI32, 0, 0, candidates),
                        .hypotheses = slot("hypotheses", DType::kI32, 0, 0, kCtcHypothesisColumns),
                        .state = slot("state", DType::kF32, -1, 2 * steps, 2 * half_),
                        .scores = slot("scores", DType::kF32, 0, 0, candidates + 1),
                        .blank = 0,
                        .eos = vocabulary - 1};
    plan->ops = {op};
    EXPECT_TRUE(plan->Validate().ok()) << plan->Validate().message();
    auto executable = backend.Compile(plan);
    EXPECT_TRUE(executable.ok()) << executable.status().message();
    executable_ = std::move(executable).value();
    std::vector<Buffer*> externals;
    for (const auto& buffer : buffers_) externals.push_back(buffer.get());
    auto state = executable_->Bind(externals);
    EXPECT_TRUE(state.ok()) << state.status().message();
    state_ = std::move(state).value();
    std::vector<float> flat;
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    Write(0, std::span<const float>(flat));
    steps_ = steps;
  }

  // ψ of each hypothesis's candidates and its end. parents: columns of the last run's candidates,
  // one after the other, or -1 for a primer.
  std::vector<float> Score(const std::vector<int>& parents, const std::vector<std::vector<int>>& ys,
                           const std::vector<int32_t>& tokens) {
    const int32_t before = first_;
    first_ = half_ - first_;
    std::vector<int32_t> hypotheses;
    for (size_t i = 0; i < ys.size(); ++i) {
      hypotheses.push_back(parents[i] < 0 ? -1 : before + parents[i]);
      hypotheses.push_back(first_ + static_cast<int32_t>(i) * candidates_);
      hypotheses.push_back(ys[i].back());
      hypotheses.push_back(static_cast<int32_t>(ys[i].size()));
    }
    Write(1, std::span<const int32_t>(tokens));
    Write(2, std::span<const int32_t>(hypotheses));
    const auto rows = static_cast<int32_t>(ys.size());
    EXPECT_TRUE(state_->Run(std::array{rows, steps_}, {}).ok());
    std::vector<float> scores(ys.size() * static_cast<size_t>(candidates_ + 1));
    EXPECT_TRUE(buffers_[4]->Read(0, std::as_writable_bytes(std::span(scores))).ok());
    return scores;
  }

 private:
  template <typename T>
  void Write(size_t slot, std::span<const T> values) {
    EXPECT_TRUE(buffers_[slot]->Write(0, std::as_bytes(values)).ok());
  }

  int32_t candidates_, half_, first_ = 0, steps_ = 0;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::shared_ptr<Executable> executable_;
  std::unique_ptr<ExecutionState> state_;
};

class CtcPrefixScoreTest : public testing::TestWithParam<const char*> {
 protected:
  CtcPrefixScoreTest()
      : backend_(GetParam() == std::string("cpu")
                     ? std::move(MakeCpuBackend({.threads = 2})).value()
                     : MakeReferenceBackend()) {}
  std::unique_ptr<Backend> backend_;
};

// With a primer of one token (k = 0) the score is the textbook's prefix probability.
TEST_P(CtcPrefixScoreTest, EqualsTheSumOverAlignments) {
  const auto rows = RandomRows(6, 4, 5);
  for (const std::vector<int>& text : std::vector<std::vector<int>>{{1, 2}, {1, 1}, {2, 2, 1}}) {
    Scorer scorer(*backend_, rows, 1, 2);
    std::vector<int> y = {99}, labels;  // sos: equal to no candidate
    int parent = -1;
    for (const int token : text) {
      const std::vector<float> psi = scorer.Score({parent}, {y}, {1, 2});
      EXPECT_NEAR(std::exp(psi[2]), BruteForce(rows, labels, true), 1e-5);
      for (const int candidate : {1, 2}) {
        std::vector<int> longer = labels;
        longer.push_back(candidate);
        EXPECT_NEAR(std::exp(psi[static_cast<size_t>(candidate - 1)]),
                    BruteForce(rows, longer, false), 1e-5);
      }
      labels.push_back(token);
      y.push_back(token);
      parent = token - 1;
    }
  }
}

// Several hypotheses, primers longer than one token, up to the last prefix that fits.
TEST_P(CtcPrefixScoreTest, EqualsTheSpecsRecursion) {
  constexpr int kSteps = 9, kVocabulary = 8, kEos = 7, kBeam = 3, kCandidates = 4;
  const auto rows = RandomRows(kSteps, kVocabulary, 17);
  const naive::Ctc reference{rows};
  std::mt19937 random(23);
  for (size_t primer_length = 1; primer_length <= kSteps + 1; ++primer_length) {
    Scorer scorer(*backend_, rows, kBeam, kCandidates);
    std::vector<std::vector<int>> ys = {std::vector<int>(primer_length, 5)};
    std::vector<naive::CtcState> states = {reference.Initial()};
    std::vector<int> parents = {-1};
    while (ys[0].size() <= kSteps + 1) {
      std::vector<int32_t> candidates;
      for (size_t h = 0; h < ys.size(); ++h) {
        const int first = static_cast<int>(random() % kVocabulary);
        for (int c = 0; c < kCandidates; ++c) candidates.push_back((first + c) % kVocabulary);
      }
      const std::vector<float> psi = scorer.Score(parents, ys, candidates);
      std::vector<naive::CtcState> children;
      for (size_t h = 0; h < ys.size(); ++h) {
        const auto compare = [&](size_t column, float expected) {
          EXPECT_NEAR(psi[h * (kCandidates + 1) + column], expected,
                      std::max(1e-4f, std::abs(expected) * 1e-6f));
        };
        for (size_t c = 0; c < kCandidates; ++c) {
          const int token = candidates[h * kCandidates + c];
          children.push_back(reference.Step(ys[h], states[h], token));
          compare(c, token == kEos ? reference.EosPsi(states[h]) : children.back().psi);
        }
        compare(kCandidates, reference.EosPsi(states[h]));
      }
      std::vector<std::vector<int>> next_ys;
      std::vector<naive::CtcState> next_states;
      std::vector<int> next_parents;
      for (int i = 0; i < kBeam; ++i) {
        const size_t h = random() % ys.size(), lane = h * kCandidates + random() % kCandidates;
        next_parents.push_back(static_cast<int>(lane));
        next_ys.push_back(ys[h]);
        next_ys.back().push_back(candidates[lane]);
        next_states.push_back(children[lane]);
      }
      ys = next_ys;
      states = next_states;
      parents = next_parents;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, CtcPrefixScoreTest, testing::Values("reference", "cpu"),
                         [](const auto& param_info) { return std::string(param_info.param); });

}  // namespace
}  // namespace espalier
