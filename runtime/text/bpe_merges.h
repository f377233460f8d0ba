// Byte-pair merging (Sennrich et al., 2016): the pair with the lowest rank merges first, the
// leftmost of equal ones first, until none is left.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace espalier {

class BpeMerges {
 public:
  void Reserve(size_t count);
  // Adds the next rank: `left` followed by `right` becomes `merged`. Ids are not negative. False
  // when the pair has a rank already.
  bool Add(int left, int right, int merged);

  // Merges `symbols` until no pair is left. O(n log n) for n symbols, so that a megabyte without a
  // space is no attack.
  std::vector<int> Apply(std::vector<int> symbols) const;

 private:
  struct Merge {
    int left, right, merged;
  };
  std::vector<Merge> merges_;                    // by rank
  std::unordered_map<uint64_t, uint32_t> rank_;  // by pair
};

}  // namespace espalier
