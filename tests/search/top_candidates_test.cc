#include "runtime/search/top_candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace espalier {
namespace {

TEST(TopCandidatesTest, EqualsAStableSort) {
  std::mt19937 random(7);
  for (const size_t size : {1u, 5u, 63u, 64u, 65u, 1000u}) {
    for (const int capacity : {1, 3, 8}) {
      TopCandidates top(capacity);
      top.Clear(capacity);
      std::vector<Candidate> all;
      for (int first = 0; first < 3000; first += 1000) {
        std::vector<float> row(size);
        // Few distinct values, so that ties are common.
        for (float& v : row) v = static_cast<float>(random() % 50) * -0.25f;
        top.OfferRow(row, first);
        for (size_t i = 0; i < size; ++i) all.push_back({row[i], 0, first + static_cast<int>(i)});
      }
      std::stable_sort(all.begin(), all.end(),
                       [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
      const auto best = top.best();
      ASSERT_EQ(best.size(), std::min(all.size(), static_cast<size_t>(capacity)));
      for (size_t i = 0; i < best.size(); ++i) {
        EXPECT_EQ(best[i].score, all[i].score);
        EXPECT_EQ(best[i].token, all[i].token);
      }
    }
  }
}

TEST(TopCandidatesTest, NeverKeepsForbiddenOrBrokenScores) {
  std::vector<float> row(200, -std::numeric_limits<float>::infinity());
  row[3] = std::numeric_limits<float>::quiet_NaN();
  row[150] = -9.0f;
  TopCandidates top(5);
  top.Clear(5);
  top.OfferRow(row, 0);
  ASSERT_EQ(top.best().size(), 1u);
  EXPECT_EQ(top.best()[0].token, 150);
}

}  // namespace
}  // namespace espalier
