#include "runtime/text/charsmap_check.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/text/utf8.h"

namespace espalier {
namespace {

constexpr uint32_t kBlock = 256;           // units come in blocks, so that any label stays inside
constexpr int kMaxMatches = 32;            // Normalizer::kMaxTrieResultsSize
constexpr int kMaxDepth = 256;             // bytes of a key; real ones have a few characters
constexpr size_t kMaxTrieBytes = 4 << 20;  // nmt_nfkc's is 180 kB

// One u32 of the double array.
struct Unit {
  uint32_t bits;
  uint32_t label() const { return bits & (0x80000000u | 0xFF); }  // never a byte when it is a value
  uint32_t offset() const { return bits >> 10 << ((bits & 0x200) >> 6); }
  bool has_value() const { return (bits & 0x100) != 0; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }
};

class TrieWalk {
 public:
  TrieWalk(std::vector<Unit> units, size_t replacement_bytes)
      : units_(std::move(units)),
        replacement_bytes_(replacement_bytes),
        matches_(units_.size(), kNotSeen) {}

  // Visits everything that can be reached. False when a walk would not be safe.
  bool Check() { return MatchesBelow(units_[0].offset(), 0) >= 0; }

 private:
  static constexpr int kNotSeen = -2;
  static constexpr int kUnsafe = -1;  // also while it is being visited: meeting it again is a cycle

  // The largest number of matches on any path from the node whose children are at base ^ label.
  // Nodes are shared (the array is a minimised graph), so each is visited once.
  int MatchesBelow(uint32_t base, int depth) {
    if ((base | (kBlock - 1)) >= units_.size() || depth > kMaxDepth) return kUnsafe;
    if (matches_[base] != kNotSeen) return matches_[base];
    matches_[base] = kUnsafe;
    int most = 0;
    for (uint32_t label = 0; label < kBlock; ++label) {
      const Unit child = units_[base ^ label];
      if (child.label() != label) continue;
      const int matches = MatchesOf(child, (base ^ label) ^ child.offset(), depth);
      if (matches < 0) return kUnsafe;
      most = std::max(most, matches);
    }
    return matches_[base] = most;
  }

  int MatchesOf(Unit child, uint32_t child_base, int depth) {
    const int below = MatchesBelow(child_base, depth + 1);
    if (below < 0) return kUnsafe;
    if (!child.has_value()) return below;
    if (units_[child_base].value() >= replacement_bytes_) return kUnsafe;
    return below < kMaxMatches ? below + 1 : kUnsafe;
  }

  const std::vector<Unit> units_;
  const size_t replacement_bytes_;
  std::vector<int> matches_;  // by base
};

}  // namespace

Status CheckCharsmap(std::string_view charsmap) {
  uint32_t trie_bytes = 0;
  if (charsmap.size() <= sizeof trie_bytes) return Corrupt("charsmap: too short");
  std::memcpy(&trie_bytes, charsmap.data(), sizeof trie_bytes);
  charsmap.remove_prefix(sizeof trie_bytes);
  if (trie_bytes == 0 || trie_bytes % (kBlock * sizeof(Unit)) != 0 || trie_bytes > kMaxTrieBytes ||
      trie_bytes >= charsmap.size()) {
    return Corrupt("charsmap: the size of its trie is wrong");
  }
  std::vector<Unit> units(trie_bytes / sizeof(Unit));
  std::memcpy(units.data(), charsmap.data(), trie_bytes);
  const std::string_view replacements = charsmap.substr(trie_bytes);
  if (replacements.back() != '\0' || !IsValidUtf8(replacements)) {
    return Corrupt("charsmap: its replacements are damaged");
  }
  if (!TrieWalk(std::move(units), replacements.size()).Check()) {
    return Corrupt("charsmap: its trie is damaged");
  }
  return OkStatus();
}

}  // namespace espalier
