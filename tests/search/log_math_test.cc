#include "runtime/search/log_math.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace espalier {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(LogMathTest, ExpIsAccurateBelowZero) {
  for (double x = 0.0; x > -79.0; x -= 0.0137) {
    const double exact = std::exp(static_cast<double>(static_cast<float>(x)));
    EXPECT_NEAR(static_cast<double>(ExpNonPositive(static_cast<float>(x))) / exact, 1.0, 4e-7) << x;
  }
  EXPECT_EQ(ExpNonPositive(0.0f), 1.0f);
  EXPECT_LT(ExpNonPositive(-kInfinity), 1e-34f);
}

TEST(LogMathTest, LogSumExpOfAnyLength) {
  for (const size_t size : {1u, 2u, 15u, 16u, 17u, 1000u, 50002u}) {
    std::vector<float> values;
    double sum = 0.0;
    for (size_t i = 0; i < size; ++i) {
      values.push_back(static_cast<float>((i * 7919 + 13) % 1001) * 0.02f - 30.0f);
      sum += std::exp(static_cast<double>(values.back()));
    }
    EXPECT_NEAR(static_cast<double>(LogSumExp(values)), std::log(sum), 1e-5) << size;
    EXPECT_EQ(MaxOf(values), *std::max_element(values.begin(), values.end())) << size;
  }
}

TEST(LogMathTest, LogSumExpSkipsForbiddenEntries) {
  std::vector<float> values(40, -kInfinity);
  EXPECT_EQ(LogSumExp(values), -kInfinity);
  EXPECT_EQ(LogSumExp({}), -kInfinity);
  values[33] = -2.0f;
  EXPECT_FLOAT_EQ(LogSumExp(values), -2.0f);
}

}  // namespace
}  // namespace espalier
