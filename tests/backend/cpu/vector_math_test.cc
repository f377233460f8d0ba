// The elementary functions against double precision, on every instruction set of this machine.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/backend/cpu/vector_math_test.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

// The four functions of one value, in the order of Values.
void Compute(float x, float* values) {
  const V v = hn::Set(Floats(), x);
  values[0] = hn::GetLane(Exp(v));
  values[1] = hn::GetLane(Swish(v));
  values[2] = hn::GetLane(Gelu(v));
  values[3] = hn::GetLane(Activate<Activation::kRelu>(v));
}

}  // namespace
}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier::cpu {
namespace {

HWY_EXPORT(Compute);

struct Values {
  float exp, swish, gelu, relu;
};

Values At(float x) {
  float values[4];
  HWY_DYNAMIC_DISPATCH(Compute)(x, values);
  return {values[0], values[1], values[2], values[3]};
}

class VectorMathTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_P(VectorMathTest, StaysCloseToDouble) {
  for (float x = -87.0f; x < 88.0f; x += 0.0137f) {
    const double exact = double{x}, e = std::exp(exact);
    const Values got = At(x);
    EXPECT_NEAR(got.exp, e, 2.5e-7 * e) << x;
    const double swish = exact / (1.0 + std::exp(-exact));
    EXPECT_NEAR(got.swish, swish, 5e-7 * std::abs(swish)) << x;
    const double gelu = 0.5 * exact * std::erfc(-exact / std::sqrt(2.0));
    // erfc is off by 1.5e-7, and matters for |x| up to 5.
    EXPECT_NEAR(got.gelu, gelu, 4e-7 + 2e-7 * std::abs(gelu)) << x;
  }
}

TEST_P(VectorMathTest, EdgesOfTheExponential) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(At(0.0f).exp, 1.0f);
  EXPECT_EQ(At(-kInfinity).exp, 0.0f);
  EXPECT_EQ(At(-1e30f).exp, 0.0f);
  EXPECT_EQ(At(kInfinity).exp, kInfinity);
  EXPECT_EQ(At(1e30f).exp, kInfinity);
  EXPECT_EQ(At(-1e30f).gelu, 0.0f);
  EXPECT_EQ(At(1e30f).gelu, 1e30f);
}

TEST_P(VectorMathTest, NanStaysNan) {
  const Values got = At(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(std::isnan(got.exp));
  EXPECT_TRUE(std::isnan(got.swish));
  EXPECT_TRUE(std::isnan(got.gelu));
  EXPECT_TRUE(std::isnan(got.relu));
}

INSTANTIATE_TEST_SUITE_P(Targets, VectorMathTest,
                         testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& test) { return std::string(hwy::TargetName(test.param)); });

}  // namespace
}  // namespace espalier::cpu
#endif  // HWY_ONCE
