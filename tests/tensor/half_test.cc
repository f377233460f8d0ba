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

}  // namespace
}  // namespace espalier
