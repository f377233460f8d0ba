// The matrix product at the edges of its blocks, on every instruction set of this machine, against
// the reference backend. Conformance covers small shapes; these need more than one block.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/reference/reference_backend.h"
#include "tests/backend/cpu/run_case.h"

namespace espalier {
namespace {

using conformance::CaseBuilder;
using conformance::OpCase;

struct Shape {
  int32_t rows, in, out;
};

OpCase LinearCase(const Shape& shape, DType storage) {
  CaseBuilder b("gemm", storage, {});
  const int32_t rows = b.Length(shape.rows);
  const TensorRef input = b.Slot(rows, shape.in);
  const WeightRef weight = b.Weight(shape.out, shape.in, 2.0f / std::sqrt(float(shape.in)));
  const WeightRef bias = b.FloatWeight(1, shape.out);
  const TensorRef output = b.Slot(rows, shape.out);
  return b.Build(LinearOp{.input = input,
                          .weight = weight,
                          .bias = bias,
                          .output = output,
                          .activation = Activation::kRelu,
                          .scale = 0.5f,
                          .residual = output});
}

// Largest difference of the output slot, margins included.
float LargestDifference(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  std::vector<float> x(a.size() / 4), y(b.size() / 4);
  std::memcpy(x.data(), a.data(), a.size());
  std::memcpy(y.data(), b.data(), b.size());
  float largest = 0.0f;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

class GemmTest : public testing::TestWithParam<std::string_view> {
 protected:
  // With i8 weights the inputs may be rounded to 1/14500 of the largest (depth 1153), or to 8 bits.
  static float Tolerance(DType storage) {
    if (storage != DType::kI8) return 2e-5f;
    return GetParam().starts_with("avx512_") ? 1e-2f : 1e-4f;
  }
};

TEST_P(GemmTest, MatchesReferenceAtBlockEdges) {
  const auto backend = MakeCpuBackend({.threads = 2, .isa = std::string(GetParam())});
  if (!backend.ok()) GTEST_SKIP() << backend.status().message();
  const auto reference = MakeReferenceBackend();
  // Rows around 12 (streamed or blocked) and 48 (a block), depths around 384 (a block) and its
  // double, columns around 768 (a block) and the panels' widths.
  for (const Shape& shape : std::vector<Shape>{{12, 385, 65},
                                               {13, 384, 769},
                                               {47, 383, 767},
                                               {48, 769, 48},
                                               {49, 768, 49},
                                               {97, 385, 1537},
                                               {145, 1153, 15}}) {
    for (const DType storage : {DType::kF32, DType::kF16, DType::kI8}) {
      const OpCase op_case = LinearCase(shape, storage);
      const auto got = RunCase(**backend, op_case);
      const auto expected = RunCase(*reference, op_case);
      ASSERT_EQ(got.size(), 2u);
      ASSERT_EQ(expected.size(), 2u);
      EXPECT_LT(LargestDifference(got[1], expected[1]), Tolerance(storage))
          << shape.rows << "x" << shape.in << "x" << shape.out << " " << DTypeName(storage);
    }
  }
}

// Rounding to 8 bits changes nothing here, whatever else goes wrong shows.
TEST_P(GemmTest, IntegersOfEightBitsStayWhatTheyAre) {
  const auto backend = MakeCpuBackend({.threads = 2, .isa = std::string(GetParam())});
  if (!backend.ok()) GTEST_SKIP() << backend.status().message();
  const auto reference = MakeReferenceBackend();
  for (const Shape& shape : std::vector<Shape>{{3, 71, 65}, {50, 1030, 70}}) {
    OpCase op_case = LinearCase(shape, DType::kI8);
    auto& input = op_case.contents[0];
    for (size_t i = 0; i < input.size() / sizeof(float); ++i) {
      // Any 61 neighbours hold both ends of the range.
      const size_t step = i % 61 == 0 ? 0 : i % 59 == 0 ? 255 : i * 37 % 256;
      const float value = static_cast<float>(step) - 100.0f;
      std::memcpy(&input[i * sizeof(float)], &value, sizeof(float));
    }
    const auto got = RunCase(**backend, op_case);
    const auto expected = RunCase(*reference, op_case);
    ASSERT_EQ(got.size(), 2u);
    ASSERT_EQ(expected.size(), 2u);
    // Sums are of order 100; those of pairs are off by a 14500th of it at most.
    EXPECT_LT(LargestDifference(got[1], expected[1]), 1e-2f) << shape.rows << "x" << shape.in;
  }
}

TEST_P(GemmTest, SameBitsForAnyNumberOfThreads) {
  for (const DType storage : {DType::kF32, DType::kI8}) {
    const OpCase op_case = LinearCase({131, 900, 1000}, storage);
    std::vector<std::vector<std::byte>> expected;
    for (const int threads : {1, 2, 3, 5}) {
      const auto backend = MakeCpuBackend({.threads = threads, .isa = std::string(GetParam())});
      if (!backend.ok()) GTEST_SKIP() << backend.status().message();
      const auto got = RunCase(**backend, op_case);
      ASSERT_EQ(got.size(), 2u);
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected) << threads << " threads, " << DTypeName(storage);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, GemmTest, testing::ValuesIn(CpuIsaNames()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace espalier
