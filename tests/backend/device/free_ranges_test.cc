#include "runtime/backend/device/free_ranges.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(FreeRangesTest, NothingHasNoRange) { EXPECT_FALSE(FreeRanges().Take(1)); }

TEST(FreeRangesTest, TakesTheFirstThatFits) {
  FreeRanges ranges(100);
  EXPECT_EQ(ranges.Take(40), 0u);
  EXPECT_EQ(ranges.Take(60), 40u);
  EXPECT_FALSE(ranges.Take(1));
  ranges.Put(0, 40);
  EXPECT_FALSE(ranges.Take(41));
  EXPECT_EQ(ranges.Take(30), 0u);
  EXPECT_EQ(ranges.Take(10), 30u);
}

TEST(FreeRangesTest, NeighboursAreJoinedInEveryOrder) {
  for (const bool middle_last : {false, true}) {
    FreeRanges ranges(30);
    for (const size_t offset : {0u, 10u, 20u}) ASSERT_EQ(ranges.Take(10), offset);
    if (!middle_last) ranges.Put(10, 10);
    ranges.Put(20, 10);
    ranges.Put(0, 10);
    EXPECT_EQ(ranges.all_free(), !middle_last);
    if (middle_last) ranges.Put(10, 10);
    EXPECT_TRUE(ranges.all_free());
    EXPECT_EQ(ranges.Take(30), 0u);
  }
}

}  // namespace
}  // namespace espalier
