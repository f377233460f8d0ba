// The best few of many scores: the selection of a beam search step.
//
// Goals: one pass over the vocabulary that compares whole SIMD blocks with the worst kept score, so
// that nearly all of them cost one comparison. Non-goals: large k; insertion is O(k).
#pragma once

#include <span>
#include <vector>

namespace espalier {

struct Candidate {
  float score = 0.0f;
  int hypothesis = 0;
  int token = 0;
};

// Keeps the `capacity` best of what it is offered. Ties go to what was offered first. Neither -inf
// nor NaN is ever kept: such a hypothesis could not be told from a forbidden one.
class TopCandidates {
 public:
  explicit TopCandidates(int capacity) { best_.reserve(static_cast<size_t>(capacity) + 1); }

  void Clear(int capacity) {
    best_.clear();
    capacity_ = static_cast<size_t>(capacity);
    best_.reserve(capacity_ + 1);
  }

  // Offers each value as the score of token first_token, first_token + 1, … of hypothesis 0.
  void OfferRow(std::span<const float> values, int first_token);

  void Offer(const Candidate& candidate);

  // Best first. Valid until the next call.
  std::span<const Candidate> best() const { return best_; }

 private:
  float Threshold() const;

  size_t capacity_ = 0;
  std::vector<Candidate> best_;
};

}  // namespace espalier
