#include "runtime/text/bpe_merges.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace espalier {
namespace {

uint64_t PairKey(int left, int right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// A pair that could merge when it was queued. Ordered by rank, then by place.
struct Candidate {
  uint32_t rank;
  uint32_t left, right;  // places of its symbols
  auto operator<=>(const Candidate&) const = default;
};

using CandidateQueue =
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<Candidate>>;

constexpr uint32_t kEnd = UINT32_MAX;
constexpr int kGone = -1;  // merged into the symbol before it

}  // namespace

void BpeMerges::Reserve(size_t count) {
  merges_.reserve(count);
  rank_.reserve(count);
}

bool BpeMerges::Add(int left, int right, int merged) {
  const auto rank = static_cast<uint32_t>(merges_.size());
  if (!rank_.emplace(PairKey(left, right), rank).second) return false;
  merges_.push_back({left, right, merged});
  return true;
}

std::vector<int> BpeMerges::Apply(std::vector<int> symbols) const {
  const auto count = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> next(count), previous(count);
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : kEnd;
    previous[i] = i > 0 ? i - 1 : kEnd;
  }
  CandidateQueue queue;
  const auto offer = [&](uint32_t left, uint32_t right) {
    if (left == kEnd || right == kEnd) return;
    const auto found = rank_.find(PairKey(symbols[left], symbols[right]));
    if (found != rank_.end()) queue.push({found->second, left, right});
  };
  for (uint32_t i = 0; i + 1 < count; ++i) offer(i, i + 1);

  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const Merge& merge = merges_[best.rank];
    // Stale when an overlapping merge changed either symbol; a symbol that is gone matches no id.
    if (symbols[best.left] != merge.left || next[best.left] != best.right ||
        symbols[best.right] != merge.right) {
      continue;
    }
    symbols[best.left] = merge.merged;
    symbols[best.right] = kGone;
    const uint32_t after = next[best.right];
    next[best.left] = after;
    if (after != kEnd) previous[after] = best.left;
    offer(previous[best.left], best.left);
    offer(best.left, after);
  }
  std::erase(symbols, kGone);
  return symbols;
}

}  // namespace espalier
