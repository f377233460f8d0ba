// Scorers without a model: log-probabilities from a function of the whole prefix.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "runtime/search/scorer.h"

namespace espalier {

using PrefixFunction = std::function<std::vector<float>(const std::vector<int>& prefix)>;

// Keeps every prefix as a vector and asks `function` for the row after it.
class FunctionScorer : public TokenScorer {
 public:
  FunctionScorer(int vocabulary, int max_hypotheses, int max_positions, PrefixFunction function)
      : vocabulary_(vocabulary),
        max_hypotheses_(max_hypotheses),
        max_positions_(max_positions),
        function_(std::move(function)) {}

  int vocabulary_size() const override { return vocabulary_; }
  int max_hypotheses() const override { return max_hypotheses_; }
  int max_positions() const override { return max_positions_; }

  Status Start(std::span<const int> prompt, std::span<const int> rows,
               std::span<float> log_probs) override {
    ++starts;
    prefixes_ = {std::vector<int>(prompt.begin(), prompt.end())};
    for (size_t i = 0; i < rows.size(); ++i) {
      Write({prompt.begin(), prompt.begin() + rows[i] + 1}, i, log_probs);
    }
    return OkStatus();
  }

  Status Advance(std::span<const int> parents, std::span<const int> tokens,
                 std::span<float> log_probs) override {
    ++advances;
    std::vector<std::vector<int>> next;
    for (size_t i = 0; i < parents.size(); ++i) {
      next.push_back(prefixes_[static_cast<size_t>(parents[i])]);
      next.back().push_back(tokens[i]);
      if (next.back().size() > static_cast<size_t>(max_positions_)) return Exhausted("too long");
      Write(next.back(), i, log_probs);
    }
    prefixes_ = std::move(next);
    return OkStatus();
  }

  int starts = 0;
  int advances = 0;

 private:
  void Write(const std::vector<int>& prefix, size_t row, std::span<float> log_probs) {
    const std::vector<float> values = function_(prefix);
    std::copy(values.begin(), values.end(),
              log_probs.begin() + static_cast<std::ptrdiff_t>(row * values.size()));
  }

  int vocabulary_, max_hypotheses_, max_positions_;
  PrefixFunction function_;
  std::vector<std::vector<int>> prefixes_;
};

inline std::vector<float> LogSoftmax(std::vector<float> logits) {
  double sum = 0.0;
  for (const float v : logits) sum += std::exp(static_cast<double>(v));
  for (float& v : logits) v -= static_cast<float>(std::log(sum));
  return logits;
}

// A random language model: logits in [-spread/2, spread/2] that depend on the last two tokens, the
// length and the seed.
inline PrefixFunction RandomModel(int vocabulary, uint64_t seed, double spread) {
  return [=](const std::vector<int>& prefix) {
    uint64_t state = seed * 0x9E3779B97F4A7C15u + prefix.size();
    for (size_t i = prefix.size() < 2 ? 0 : prefix.size() - 2; i < prefix.size(); ++i) {
      state = (state ^ static_cast<uint64_t>(prefix[i] + 1)) * 0xBF58476D1CE4E5B9u;
    }
    std::vector<float> logits;
    for (int v = 0; v < vocabulary; ++v) {
      state += 0x9E3779B97F4A7C15u;
      uint64_t z = state;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
      z ^= z >> 31;
      logits.push_back(static_cast<float>((static_cast<double>(z >> 11) * 0x1p-53 - 0.5) * spread));
    }
    return LogSoftmax(std::move(logits));
  };
}

}  // namespace espalier
