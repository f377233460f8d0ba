#include "runtime/search/ctc_prefix_scorer.h"

#include <algorithm>

#include "runtime/base/check.h"
#include "runtime/base/string_format.h"
#include "runtime/search/log_math.h"

namespace espalier {

namespace {

constexpr size_t kLaneBlock = 8;

size_t RoundUpToBlock(size_t n) { return (n + kLaneBlock - 1) / kLaneBlock * kLaneBlock; }

}  // namespace

Result<CtcPrefixScorer> CtcPrefixScorer::Create(const CtcShape& shape) {
  if (shape.steps < 1 || shape.vocabulary < 1 || shape.max_hypotheses < 1 ||
      shape.max_candidates < 1) {
    return InvalidArgument(
        StrFormat("CTC scorer: steps %d, vocabulary %d, hypotheses %d, candidates %d: each must be "
                  "at least 1",
                  shape.steps, shape.vocabulary, shape.max_hypotheses, shape.max_candidates));
  }
  const auto inside = [&](int id) { return id >= 0 && id < shape.vocabulary; };
  if (!inside(shape.blank_id) || !inside(shape.eos_id)) {
    return InvalidArgument(StrFormat("CTC scorer: blank %d, eos %d: expected ids below %d",
                                     shape.blank_id, shape.eos_id, shape.vocabulary));
  }
  return CtcPrefixScorer(shape);
}

CtcPrefixScorer::CtcPrefixScorer(const CtcShape& shape) : shape_(shape) {
  const size_t steps = static_cast<size_t>(shape.steps);
  const size_t hypotheses = static_cast<size_t>(shape.max_hypotheses);
  const size_t lanes = RoundUpToBlock(hypotheses * static_cast<size_t>(shape.max_candidates));
  nonblank_.resize(hypotheses * steps);
  blank_.resize(hypotheses * steps);
  total_.resize(hypotheses * steps);
  psi_.resize(hypotheses);
  lane_nonblank_.resize(steps * lanes);
  lane_blank_.resize(steps * lanes);
  lane_phi_.resize(lanes);
  lane_x_.resize(lanes);
  lane_psi_.resize(lanes);
}

Status CtcPrefixScorer::CheckPrefix() const {
  if (prefix_length_ <= max_prefix_length()) return OkStatus();
  return InvalidArgument(StrFormat(
      "prompt of %d tokens is longer than the audio's %d encoder steps", prefix_length_, steps_));
}

Status CtcPrefixScorer::SetAudio(std::span<const float> log_probs, int steps) {
  if (steps < 1 || steps > shape_.steps ||
      log_probs.size() != static_cast<size_t>(steps) * static_cast<size_t>(shape_.vocabulary)) {
    return InvalidArgument(StrFormat(
        "CTC log-probabilities: %zu values for %d steps, expected at most %d steps of %d values",
        log_probs.size(), steps, shape_.steps, shape_.vocabulary));
  }
  log_probs_ = log_probs.data();
  steps_ = steps;
  return OkStatus();
}

Status CtcPrefixScorer::Start(int prefix_length) {
  if (log_probs_ == nullptr) return InvalidArgument("CTC scorer: no audio was set");
  if (prefix_length < 1) return InvalidArgument("CTC scorer: the primer is empty");
  prefix_length_ = prefix_length;
  hypotheses_ = 1;
  ESP_RETURN_IF_ERROR(CheckPrefix());
  // Only blanks so far: nothing ends in a label, and r^b is the running sum of blank's log p.
  float sum = 0.0f;
  const size_t vocabulary = static_cast<size_t>(shape_.vocabulary);
  for (size_t t = 0; t < static_cast<size_t>(steps_); ++t) {
    sum += std::max(kLogZero, log_probs_[t * vocabulary + static_cast<size_t>(shape_.blank_id)]);
    nonblank_[t] = kLogZero;
    blank_[t] = sum;
  }
  psi_[0] = 0.0f;
  return OkStatus();
}

void CtcPrefixScorer::Recur(std::span<const int> last_tokens, std::span<const int> candidates,
                            int count) {
  const size_t steps = static_cast<size_t>(steps_);
  const size_t vocabulary = static_cast<size_t>(shape_.vocabulary);
  const size_t per_hypothesis = static_cast<size_t>(count);
  const size_t used = candidates.size();
  const size_t lanes = lanes_;
  const size_t k = static_cast<size_t>(prefix_length_ - 1);
  const size_t first = std::max<size_t>(k, 1);  // spec's s

  // φ_t of every lane: a repeated label needs a blank in between.
  const auto fill_phi = [&](size_t t, float* phi) {
    for (size_t lane = 0; lane < used; ++lane) {
      const size_t h = lane / per_hypothesis;
      const bool repeats = candidates[lane] == last_tokens[h];
      phi[lane] = (repeats ? blank_ : total_)[h * steps + t];
    }
  };
  const auto fill_x = [&](size_t t) {
    const float* row = log_probs_ + t * vocabulary;
    for (size_t lane = 0; lane < used; ++lane) {
      lane_x_[lane] = std::max(kLogZero, row[candidates[lane]]);
    }
  };

  std::fill(lane_nonblank_.begin(), lane_nonblank_.begin() + static_cast<ptrdiff_t>(first * lanes),
            kLogZero);
  std::fill(lane_blank_.begin(), lane_blank_.begin() + static_cast<ptrdiff_t>(first * lanes),
            kLogZero);
  std::fill(lane_x_.begin(), lane_x_.end(), kLogZero);
  std::fill(lane_phi_.begin(), lane_phi_.end(), kLogZero);
  if (k == 0) {
    fill_x(0);
    std::copy_n(lane_x_.begin(), used, lane_nonblank_.begin());
  }
  std::copy_n(lane_nonblank_.begin() + static_cast<ptrdiff_t>((first - 1) * lanes), lanes,
              lane_psi_.begin());

  float* const phi = lane_phi_.data();
  float* const x = lane_x_.data();
  float* const psi = lane_psi_.data();
  for (size_t t = first; t < steps; ++t) {
    fill_phi(t - 1, phi);
    fill_x(t);
    const float blank_x =
        std::max(kLogZero, log_probs_[t * vocabulary + static_cast<size_t>(shape_.blank_id)]);
    const float* n_before = lane_nonblank_.data() + (t - 1) * lanes;
    const float* b_before = lane_blank_.data() + (t - 1) * lanes;
    float* n = lane_nonblank_.data() + t * lanes;
    float* b = lane_blank_.data() + t * lanes;
#pragma GCC ivdep
    for (size_t lane = 0; lane < lanes; ++lane) {
      n[lane] = LogAddExp(n_before[lane], phi[lane]) + x[lane];
      b[lane] = LogAddExp(n_before[lane], b_before[lane]) + blank_x;
      psi[lane] = LogAddExp(psi[lane], phi[lane] + x[lane]);
    }
  }
}

Status CtcPrefixScorer::Score(std::span<const int> last_tokens, std::span<const int> candidates,
                              int count, std::span<float> deltas, std::span<float> eos_deltas) {
  ESP_RETURN_IF_ERROR(CheckPrefix());
  const size_t hypotheses = static_cast<size_t>(hypotheses_);
  if (last_tokens.size() != hypotheses || count < 1 || count > shape_.max_candidates ||
      candidates.size() != hypotheses * static_cast<size_t>(count) ||
      deltas.size() != candidates.size() || eos_deltas.size() != hypotheses) {
    return InvalidArgument(
        StrFormat("CTC scorer: %zu candidates for %d hypotheses, expected %d for each, at most %d",
                  candidates.size(), hypotheses_, count, shape_.max_candidates));
  }
  for (const int id : candidates) {
    if (id < 0 || id >= shape_.vocabulary) {
      return InvalidArgument(
          StrFormat("CTC candidate %d: expected an id below %d", id, shape_.vocabulary));
    }
  }
  const size_t steps = static_cast<size_t>(steps_);
  for (size_t i = 0; i < hypotheses * steps; ++i) total_[i] = LogAddExp(nonblank_[i], blank_[i]);
  lanes_ = RoundUpToBlock(candidates.size());
  Recur(last_tokens, candidates, count);
  for (size_t h = 0; h < hypotheses; ++h) {
    eos_deltas[h] = total_[h * steps + steps - 1] - psi_[h];
    for (size_t lane = h * static_cast<size_t>(count); lane < (h + 1) * static_cast<size_t>(count);
         ++lane) {
      if (candidates[lane] == shape_.blank_id) lane_psi_[lane] = kLogZero;
      if (candidates[lane] == shape_.eos_id) lane_psi_[lane] = total_[h * steps + steps - 1];
      deltas[lane] = lane_psi_[lane] - psi_[h];
    }
  }
  candidates_per_hypothesis_ = count;
  return OkStatus();
}

void CtcPrefixScorer::Keep(std::span<const int> parents, std::span<const int> picks) {
  ESP_DCHECK(parents.size() == picks.size());
  ESP_DCHECK(parents.size() <= static_cast<size_t>(shape_.max_hypotheses));
  const size_t steps = static_cast<size_t>(steps_);
  for (size_t i = 0; i < parents.size(); ++i) {
    const size_t lane = static_cast<size_t>(parents[i] * candidates_per_hypothesis_ + picks[i]);
    for (size_t t = 0; t < steps; ++t) {
      nonblank_[i * steps + t] = lane_nonblank_[t * lanes_ + lane];
      blank_[i * steps + t] = lane_blank_[t * lanes_ + lane];
    }
    psi_[i] = lane_psi_[lane];
  }
  hypotheses_ = static_cast<int>(parents.size());
  ++prefix_length_;
}

}  // namespace espalier
