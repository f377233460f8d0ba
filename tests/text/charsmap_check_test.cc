#include "runtime/text/charsmap_check.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "runtime/text/proto_reader.h"
#include "tests/text/expected_ids.h"

namespace espalier {
namespace {

// nmt_nfkc, as SentencePiece's trainer wrote it into a model.
std::string RealCharsmap() {
  const std::string model =
      ReadTestFile("tests/golden/data/plain/data/token_list/bpe_unigram/bpe.model");
  ProtoReader reader(model);
  while (reader.Next()) {
    if (!reader.Is(3, ProtoReader::WireType::kBytes)) continue;
    ProtoReader normalizer(reader.bytes());
    while (normalizer.Next()) {
      if (normalizer.Is(2, ProtoReader::WireType::kBytes)) return std::string(normalizer.bytes());
    }
  }
  ADD_FAILURE() << "no charsmap";
  return "";
}

// A trie put together by hand; `replacements` follow it.
std::string Charsmap(const std::vector<uint32_t>& units, const std::string& replacements) {
  const auto size = static_cast<uint32_t>(units.size() * sizeof(uint32_t));
  std::string bytes(sizeof size + size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  std::memcpy(bytes.data() + sizeof size, units.data(), size);
  return bytes + replacements;
}

// Labels that no byte equals: an empty trie of `blocks` blocks.
std::vector<uint32_t> EmptyTrie(size_t blocks) {
  return std::vector<uint32_t>(blocks * 256, 0x80000000u);
}

constexpr uint32_t Unit(uint32_t offset, uint32_t label, bool has_value = false) {
  return offset << 10 | (has_value ? 0x100u : 0u) | label;
}

const std::string kOneReplacement("b\0", 2);

TEST(CharsmapCheckTest, TakesTheRealOne) {
  const Status status = CheckCharsmap(RealCharsmap());
  EXPECT_TRUE(status.ok()) << status.message();
}

// 'a' -> "b": the root's children at 256, those of 'a' at 512.
std::vector<uint32_t> OneRule() {
  std::vector<uint32_t> units = EmptyTrie(3);
  units[0] = Unit(256, 0);
  units[256 ^ 'a'] = Unit((256 ^ 'a') ^ 512, 'a', true);
  units[512] = 0x80000000u | 0;
  return units;
}

TEST(CharsmapCheckTest, TakesASmallOne) {
  EXPECT_TRUE(CheckCharsmap(Charsmap(OneRule(), kOneReplacement)).ok());
  std::vector<uint32_t> no_rule = EmptyTrie(2);
  no_rule[0] = Unit(256, 0);
  EXPECT_TRUE(CheckCharsmap(Charsmap(no_rule, std::string(1, '\0'))).ok());
}

TEST(CharsmapCheckTest, RefusesWhatWouldLeaveTheTrieOrItsReplacements) {
  std::vector<uint32_t> outside = OneRule();
  outside[256 ^ 'a'] = Unit(1 << 20, 'a', true);
  std::vector<uint32_t> root_outside = OneRule();
  root_outside[0] = Unit(3 * 256, 0);
  std::vector<uint32_t> no_replacement = OneRule();
  no_replacement[512] = 0x80000000u | 2;
  for (const auto& units : {outside, root_outside, no_replacement}) {
    EXPECT_EQ(CheckCharsmap(Charsmap(units, kOneReplacement)).code(), StatusCode::kCorrupt);
  }
  EXPECT_FALSE(CheckCharsmap(Charsmap(OneRule(), "b")).ok()) << "not ended by a NUL";
  EXPECT_FALSE(CheckCharsmap(Charsmap(OneRule(), std::string("\xff\0", 2))).ok());
}

TEST(CharsmapCheckTest, RefusesCyclesAndTooManyMatches) {
  std::vector<uint32_t> cycle = OneRule();
  cycle[256 ^ 'a'] = Unit('a', 'a');  // 'a' leads back to the root's children
  EXPECT_FALSE(CheckCharsmap(Charsmap(cycle, kOneReplacement)).ok());

  // A chain of a's in which each is a match: 32 fit into the library's array.
  for (const size_t length : {32u, 33u}) {
    std::vector<uint32_t> chain = EmptyTrie(length + 2);
    chain[0] = Unit(256, 0);
    for (size_t i = 1; i <= length; ++i) {
      const auto place = static_cast<uint32_t>(256 * i) ^ 'a';
      chain[place] = Unit(place ^ static_cast<uint32_t>(256 * (i + 1)), 'a', true);
    }
    EXPECT_EQ(CheckCharsmap(Charsmap(chain, kOneReplacement)).ok(), length == 32);
  }
}

TEST(CharsmapCheckTest, RefusesWrongSizes) {
  const std::string whole = Charsmap(OneRule(), kOneReplacement);
  for (const size_t size : {size_t{0}, size_t{3}, size_t{4}, size_t{5}, whole.size() - 2}) {
    EXPECT_FALSE(CheckCharsmap(whole.substr(0, size)).ok()) << size;
  }
  for (const uint32_t size : {0u, 4u, 1020u, 1025u, 0xFFFFFC00u}) {
    std::string wrong = whole;
    std::memcpy(wrong.data(), &size, sizeof size);
    EXPECT_FALSE(CheckCharsmap(wrong).ok()) << size;
  }
}

}  // namespace
}  // namespace espalier
