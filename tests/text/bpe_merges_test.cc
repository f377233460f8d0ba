#include "runtime/text/bpe_merges.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace espalier {
namespace {

// As the definition says: search the whole row for the best pair, merge it, begin again.
std::vector<int> NaiveApply(const std::map<std::pair<int, int>, std::pair<int, int>>& merges,
                            std::vector<int> symbols) {
  for (;;) {
    size_t best = symbols.size();
    int best_rank = INT32_MAX;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = merges.find({symbols[i], symbols[i + 1]});
      if (found != merges.end() && found->second.first < best_rank) {
        best = i;
        best_rank = found->second.first;
      }
    }
    if (best == symbols.size()) return symbols;
    symbols[best] = merges.at({symbols[best], symbols[best + 1]}).second;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(BpeMergesTest, LowestRankFirstThenLeftmost) {
  BpeMerges merges;
  ASSERT_TRUE(merges.Add(1, 1, 10));
  ASSERT_TRUE(merges.Add(2, 1, 11));
  EXPECT_FALSE(merges.Add(1, 1, 12)) << "a pair has one rank";
  EXPECT_EQ(merges.Apply({}), (std::vector<int>{}));
  EXPECT_EQ(merges.Apply({1}), (std::vector<int>{1}));
  EXPECT_EQ(merges.Apply({1, 1, 1}), (std::vector<int>{10, 1}));
  EXPECT_EQ(merges.Apply({2, 1, 1}), (std::vector<int>{2, 10}));
  EXPECT_EQ(merges.Apply({2, 1}), (std::vector<int>{11}));
}

TEST(BpeMergesTest, EqualsTheDefinitionOnRandomTables) {
  std::mt19937 generator(11);
  for (int round = 0; round < 300; ++round) {
    BpeMerges merges;
    std::map<std::pair<int, int>, std::pair<int, int>> table;
    int next = 3;
    for (int rank = 0; rank < 20; ++rank) {
      const auto known = static_cast<unsigned>(next);
      const auto left = static_cast<int>(generator() % known);
      const auto right = static_cast<int>(generator() % known);
      // Results repeat now and then, as "ab"+"c" and "a"+"bc" do.
      const int merged = generator() % 4 == 0 ? static_cast<int>(generator() % known) : next++;
      const bool fresh =
          table.try_emplace({left, right}, static_cast<int>(table.size()), merged).second;
      ASSERT_EQ(merges.Add(left, right, merged), fresh);
    }
    for (int word = 0; word < 20; ++word) {
      std::vector<int> symbols(generator() % 40);
      for (int& symbol : symbols) symbol = static_cast<int>(generator() % 3);
      ASSERT_EQ(merges.Apply(symbols), NaiveApply(table, symbols));
    }
  }
}

TEST(BpeMergesTest, AMegabyteWithoutASpaceIsQuick) {
  BpeMerges merges;
  for (int level = 0; level < 20; ++level) ASSERT_TRUE(merges.Add(level, level, level + 1));
  EXPECT_EQ(merges.Apply(std::vector<int>(size_t{1} << 20, 0)), (std::vector<int>{20}));
}

}  // namespace
}  // namespace espalier
