#include "runtime/search/attention_alignment.h"

#include <gtest/gtest.h>

#include <limits>

namespace espalier {
namespace {

// Each row looks at [begins[r], begins[r + 1]) and, as all rows do, at the last step.
std::vector<float> Weights(const std::vector<int>& begins, int steps) {
  std::vector<float> weights;
  for (size_t r = 0; r < begins.size(); ++r) {
    const int end = r + 1 < begins.size() ? begins[r + 1] : steps;
    for (int t = 0; t < steps; ++t) {
      weights.push_back(t >= begins[r] && t < end ? 0.2f : 0.01f);
    }
    weights.back() = 0.9f;
  }
  return weights;
}

TEST(AttentionAlignmentTest, FindsWhereEachRowLooks) {
  const std::vector<int> begins{0, 12, 30, 37, 60};
  const auto found = AlignByAttention(Weights(begins, 80), 5);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(*found, begins);
}

TEST(AttentionAlignmentTest, NeverGoesBackOnNoise) {
  uint32_t state = 1;
  for (int rows = 1; rows < 40; rows += 6) {
    for (int steps = 1; steps < 60; steps += 7) {
      std::vector<float> weights(static_cast<size_t>(rows * steps));
      for (float& weight : weights) {
        state = state * 1664525u + 1013904223u;
        weight = static_cast<float>(state >> 8) * 0x1p-24f;
      }
      const auto found = AlignByAttention(weights, rows);
      ASSERT_TRUE(found.ok());
      ASSERT_EQ(std::ssize(*found), rows);
      EXPECT_EQ(found->front(), 0);
      EXPECT_TRUE(std::is_sorted(found->begin(), found->end()));
      EXPECT_LT(found->back(), steps);
    }
  }
}

TEST(AttentionAlignmentTest, RowsThatAllLookAlikeStillHaveSteps) {
  const auto found = AlignByAttention(std::vector<float>(60, 0.1f), 3);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(std::is_sorted(found->begin(), found->end()));
}

TEST(AttentionAlignmentTest, RefusesWhatIsNoMatrix) {
  const std::vector<float> weights(10, 0.1f);
  EXPECT_EQ(AlignByAttention(weights, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(AlignByAttention(weights, 3).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(AlignByAttention({}, 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(AlignByAttention(std::vector{0.1f, std::numeric_limits<float>::quiet_NaN()}, 1)
                .status()
                .code(),
            StatusCode::kInternal);
}

}  // namespace
}  // namespace espalier
