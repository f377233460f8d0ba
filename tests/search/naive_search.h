// Spec §10 once more, as plainly as it reads: every score of every token, whole sequences, sorts.
// The searches of runtime/search are compared with it.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/search/beam_search.h"
#include "tests/search/test_scorers.h"

namespace espalier::naive {

inline constexpr float kZero = -1e10f;

inline float LogAdd(float a, float b) {
  const float m = std::max(a, b);
  return m + std::log1p(std::exp(std::min(a, b) - m));
}

struct CtcState {
  std::vector<float> n, b;
  float psi = 0.0f;
};

// log_probs: (steps, vocabulary); blank is 0.
struct Ctc {
  const std::vector<std::vector<float>>& log_probs;

  CtcState Initial() const {
    CtcState state;
    float sum = 0.0f;
    for (const auto& row : log_probs) {
      sum += row[0];
      state.n.push_back(kZero);
      state.b.push_back(sum);
    }
    return state;
  }

  // The state of y + c, where `state` belongs to y.
  CtcState Step(const std::vector<int>& y, const CtcState& state, int c) const {
    const size_t steps = log_probs.size();
    const size_t k = y.size() - 1, s = std::max<size_t>(k, 1);
    const size_t column = static_cast<size_t>(c);
    CtcState next{std::vector<float>(steps, kZero), std::vector<float>(steps, kZero), 0.0f};
    if (k == 0) next.n[0] = log_probs[0][column];
    next.psi = next.n[s - 1];
    for (size_t t = s; t < steps; ++t) {
      const float phi = c == y.back() ? state.b[t - 1] : LogAdd(state.n[t - 1], state.b[t - 1]);
      next.n[t] = LogAdd(next.n[t - 1], phi) + log_probs[t][column];
      next.b[t] = LogAdd(next.n[t - 1], next.b[t - 1]) + log_probs[t][0];
      next.psi = LogAdd(next.psi, phi + log_probs[t][column]);
    }
    if (c == 0) next.psi = kZero;
    return next;
  }

  float EosPsi(const CtcState& state) const { return LogAdd(state.n.back(), state.b.back()); }
};

// A FunctionScorer that knows the audio: what CTC says of its choices, by the recursion above.
class CtcScorer : public FunctionScorer {
 public:
  CtcScorer(const FunctionScorer& scorer, const Ctc& ctc, int candidates, int eos)
      : FunctionScorer(scorer), ctc_(ctc), candidates_(candidates), eos_(eos) {}

  int ctc_candidate_count() const override { return candidates_; }

  Status StartAndPick(std::span<const int> prompt, std::span<const int32_t> allowed,
                      const TokenGroups& groups, TokenChoices* choices) override {
    hypotheses_ = {{{prompt.begin(), prompt.end()}, ctc_.Initial()}};
    ESP_RETURN_IF_ERROR(FunctionScorer::StartAndPick(prompt, allowed, groups, choices));
    Score(choices);
    return OkStatus();
  }

  Status AdvanceAndPick(const SearchStep& step, const TokenGroups& groups,
                        TokenChoices* choices) override {
    std::vector<Hypothesis> next;
    for (size_t i = 0; i < step.tokens.size(); ++i) {
      const auto parent = static_cast<size_t>(step.parents[i]);
      const auto pick = static_cast<size_t>(step.picks[i]);
      if (choices->others(parent).tokens[pick] != step.tokens[i]) return Internal("a wrong pick");
      next.push_back({hypotheses_[parent].y, hypotheses_[parent].children[pick], {}});
      next.back().y.push_back(step.tokens[i]);
    }
    hypotheses_ = std::move(next);
    ESP_RETURN_IF_ERROR(FunctionScorer::AdvanceAndPick(step, groups, choices));
    Score(choices);
    return OkStatus();
  }

 private:
  struct Hypothesis {
    std::vector<int> y;
    CtcState state;
    std::vector<CtcState> children = {};
  };

  void Score(TokenChoices* choices) {
    const std::span<float> scores = choices->ctc_scores(hypotheses_.size());
    for (size_t h = 0; h < hypotheses_.size(); ++h) {
      Hypothesis& hypothesis = hypotheses_[h];
      float* const row = scores.data() + h * static_cast<size_t>(candidates_ + 1);
      row[candidates_] = ctc_.EosPsi(hypothesis.state);
      for (int j = 0; j < candidates_; ++j) {
        const int token = choices->others(h).tokens[static_cast<size_t>(j)];
        hypothesis.children.push_back(token < 0 ? CtcState{}
                                                : ctc_.Step(hypothesis.y, hypothesis.state, token));
        row[j] = token == eos_ ? row[candidates_] : hypothesis.children.back().psi;
      }
    }
  }

  Ctc ctc_;
  int candidates_, eos_;
  std::vector<Hypothesis> hypotheses_;
};

inline bool Allowed(const std::vector<int>& y, int v, const OwsmTimeRules& rules) {
  std::vector<int> times;
  for (const int token : y) {
    if (rules.IsTime(token)) times.push_back(token);
  }
  if (std::find(y.begin(), y.end(), rules.notimestamps) != y.end()) return !rules.IsTime(v);
  if (y[y.size() - 3] == rules.sos) return rules.IsTime(v);
  if (times.size() % 2 == 1) return v != rules.eos && (!rules.IsTime(v) || v > times.back());
  return rules.IsTime(y.back()) && (v == rules.eos || (rules.IsTime(v) && v >= y.back()));
}

struct Hyp {
  std::vector<int> y;
  float score = 0.0f;
  double decoder = 0.0, ctc = 0.0;
  int tokens = 0;
  CtcState state;
};

// Everything that ended, best first.
inline std::vector<Hyp> Search(const PrefixFunction& decoder, const Ctc* ctc,
                               const OwsmTimeRules& rules, const std::vector<int>& primer,
                               int encoder_steps, const BeamOptions& o) {
  const float w = static_cast<float>(o.ctc_weight);
  const double r = o.maxlen_ratio;
  const int maxlen = r == 0  ? encoder_steps
                     : r < 0 ? -static_cast<int>(r)
                             : std::max(1, static_cast<int>(r * encoder_steps));
  const int minlen = o.minlen_ratio < 0 ? -static_cast<int>(o.minlen_ratio)
                                        : static_cast<int>(o.minlen_ratio * encoder_steps);
  std::vector<Hyp> running(1), ended;
  running[0].y = primer;
  if (ctc != nullptr) running[0].state = ctc->Initial();
  for (int i = 0; i < maxlen && !running.empty(); ++i) {
    std::vector<Hyp> all;
    for (const Hyp& h : running) {
      const std::vector<float> lp = decoder(h.y);
      std::vector<std::pair<float, int>> order;  // score without CTC, token
      for (int v = 0; v < static_cast<int>(lp.size()); ++v) {
        if (!Allowed(h.y, v, rules)) continue;
        const float own = static_cast<float>(1.0 - o.ctc_weight) * lp[static_cast<size_t>(v)] +
                          static_cast<float>(o.length_penalty);
        order.push_back({own, v});
      }
      std::stable_sort(order.begin(), order.end(),
                       [](const auto& a, const auto& b) { return a.first > b.first; });
      const size_t candidates = static_cast<size_t>(1.5 * o.beam_size);
      for (size_t j = 0; j < order.size(); ++j) {
        const auto [own, v] = order[j];
        Hyp child = h;
        child.y.push_back(v);
        child.tokens += 1;
        child.decoder += static_cast<double>(lp[static_cast<size_t>(v)]);
        child.score = own + h.score;
        if (ctc != nullptr) {
          float delta = kZero - h.state.psi;
          if (v == rules.eos) {
            delta = ctc->EosPsi(h.state) - h.state.psi;
          } else if (j < candidates) {
            child.state = ctc->Step(h.y, h.state, v);
            delta = child.state.psi - h.state.psi;
          }
          child.ctc += static_cast<double>(delta);
          child.score = own + w * delta + h.score;
        }
        all.push_back(std::move(child));
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Hyp& a, const Hyp& b) { return a.score > b.score; });
    if (all.size() > static_cast<size_t>(o.beam_size)) {
      all.resize(static_cast<size_t>(o.beam_size));
    }
    running.clear();
    for (Hyp& h : all) {
      if (i == maxlen - 1) h.y.push_back(rules.eos);
      if (h.y.back() != rules.eos) {
        running.push_back(h);
      } else if (i >= minlen) {
        ended.push_back(h);
      }
    }
    if (r == 0 && !ended.empty()) {
      float best = kZero * 100;
      for (const Hyp& h : ended) best = std::max(best, h.score);
      int count = 0;
      for (int m = 0; m < 3; ++m) {
        std::optional<float> longest;
        for (const Hyp& h : ended) {
          if (static_cast<int>(h.y.size()) == i - m) {
            longest = std::max(longest.value_or(h.score), h.score);
          }
        }
        if (longest.has_value() && *longest - best < -10.0f) ++count;
      }
      if (count == 3) break;
    }
  }
  const auto key = [&](const Hyp& h) {
    return o.normalize_length ? h.score / static_cast<float>(h.y.size() - 1) : h.score;
  };
  std::stable_sort(ended.begin(), ended.end(),
                   [&](const Hyp& a, const Hyp& b) { return key(a) > key(b); });
  return ended;
}

}  // namespace espalier::naive
