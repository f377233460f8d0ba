#include "runtime/tensor/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace espalier {
namespace {

TEST(HalfTest, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = HalfToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      ASSERT_EQ(FloatToHalf(value), bits);
    }
  }
}

TEST(HalfTest, RoundsToNearestEvenAndOverflowsToInfinity) {
  EXPECT_EQ(FloatToHalf(1.0f + 0x1p-11f), FloatToHalf(1.0f));
  EXPECT_EQ(FloatToHalf(1.0f + 0x1.8p-10f), FloatToHalf(1.0f + 0x1p-9f));
  EXPECT_EQ(FloatToHalf(65519.0f), FloatToHalf(65504.0f));
  EXPECT_TRUE(std::isinf(HalfToFloat(FloatToHalf(65520.0f))));
  EXPECT_EQ(FloatToHalf(0x1p-25f), 0);
  EXPECT_EQ(BFloat16ToFloat(0x3F80), 1.0f);
}

TEST(HalfTest, BFloatsSurviveTheRoundTripAndRoundToNearestEven) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = BFloat16ToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(value))));
    } else {
      ASSERT_EQ(FloatToBFloat16(value), bits);
    }
  }
  EXPECT_EQ(FloatToBFloat16(1.0f + 0x1p-8f), FloatToBFloat16(1.0f));
  EXPECT_EQ(FloatToBFloat16(1.0f + 0x1.8p-7f), FloatToBFloat16(1.0f + 0x1p-6f));
  EXPECT_TRUE(std::isinf(BFloat16ToFloat(FloatToBFloat16(0x1.FFp127f))));
}

}  // namespace
}  // namespace espalier
