#include "runtime/search/top_candidates.h"

#include <algorithm>
#include <limits>

namespace espalier {

namespace {

constexpr size_t kBlock = 64;

}  // namespace

float TopCandidates::Threshold() const {
  return best_.size() < capacity_ ? -std::numeric_limits<float>::infinity() : best_.back().score;
}

void TopCandidates::Offer(const Candidate& candidate) {
  if (capacity_ == 0 || !(candidate.score > Threshold())) return;
  const auto worse = [](float score, const Candidate& kept) { return score > kept.score; };
  const auto place = std::upper_bound(best_.begin(), best_.end(), candidate.score, worse);
  best_.insert(place, candidate);
  if (best_.size() > capacity_) best_.pop_back();
}

void TopCandidates::OfferRow(std::span<const float> values, int first_token) {
  const auto offer = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      if (values[i] > Threshold()) Offer({values[i], 0, first_token + static_cast<int>(i)});
    }
  };
  const size_t blocks = values.size() / kBlock * kBlock;
  for (size_t i = 0; i < blocks; i += kBlock) {
    const float threshold = Threshold();
    int above = 0;
    for (size_t j = 0; j < kBlock; ++j) above |= values[i + j] > threshold ? 1 : 0;
    if (above != 0) offer(i, i + kBlock);
  }
  offer(blocks, values.size());
}

}  // namespace espalier
