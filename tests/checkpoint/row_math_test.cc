#include "runtime/checkpoint/row_math.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/tensor/half.h"

namespace espalier {
namespace {

TEST(RowMathTest, ScaledRowsAreAddedInOrderWithoutFusing) {
  for (const int64_t columns : {1, 15, 16, 127, 128, 300}) {
    const int64_t rows = 5;
    std::vector<float> factors, matrix, sums(static_cast<size_t>(columns), 0.25f);
    for (int64_t r = 0; r < rows; ++r) factors.push_back(std::sin(static_cast<float>(r) + 0.3f));
    for (int64_t i = 0; i < rows * columns; ++i) {
      matrix.push_back(std::cos(static_cast<float>(i) * 0.7f));
    }
    std::vector<float> expected = sums;
    for (int64_t i = 0; i < columns; ++i) {
      for (int64_t r = 0; r < rows; ++r) {
        const volatile float product = factors[static_cast<size_t>(r)] *
                                       matrix[static_cast<size_t>(r * columns + i)];
        expected[static_cast<size_t>(i)] += product;
      }
    }
    AddScaledRows(factors.data(), rows, matrix.data(), columns, sums.data());
    EXPECT_EQ(sums, expected) << columns << " columns";
  }
}

TEST(RowMathTest, EveryHalfIsAddedAndStoredAsItIs) {
  std::vector<uint16_t> halves;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (!std::isnan(HalfToFloat(static_cast<uint16_t>(bits))) && bits != 0x8000) {  // 0 + -0 is 0
      halves.push_back(static_cast<uint16_t>(bits));
    }
  }
  const auto count = static_cast<int64_t>(halves.size());
  std::vector<float> floats(halves.size(), 0.0f);
  AddHalves(halves.data(), count, floats.data());
  for (size_t i = 0; i < halves.size(); ++i) ASSERT_EQ(floats[i], HalfToFloat(halves[i])) << i;
  std::vector<uint16_t> stored(halves.size());
  StoreHalves(floats.data(), count, stored.data());
  EXPECT_EQ(stored, halves);
}

TEST(RowMathTest, StoresTheNearestHalf) {
  std::vector<float> values = {65504.0f, 65519.9f, 65520.0f, 1e30f, -1e30f, 1e-8f, 2.9e-8f, 3.1e-8f,
                               std::numeric_limits<float>::infinity()};
  for (uint32_t i = 0; i < 100000; ++i) {  // over all magnitudes, ties among them
    values.push_back(std::bit_cast<float>(0x33000000u + i * 2049u * 8u));
    values.push_back(-std::bit_cast<float>(0x38001000u + (i << 13)));
  }
  std::vector<uint16_t> stored(values.size());
  StoreHalves(values.data(), static_cast<int64_t>(values.size()), stored.data());
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    ASSERT_EQ(stored[i], FloatToHalf(values[i])) << values[i];
  }
}

}  // namespace
}  // namespace espalier
