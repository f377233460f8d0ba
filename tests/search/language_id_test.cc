#include "runtime/search/language_id.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace espalier {
namespace {

TEST(LanguageIdTest, SoftmaxOverTheLanguagesOnly) {
  const std::vector<float> log_probs = {9.0f, -3.0f, -1.0f, -2.0f, 8.0f};
  const std::vector<int> ids = {3, 2, 1};
  const auto guess = IdentifyLanguage(log_probs, ids);
  ASSERT_TRUE(guess.ok());
  EXPECT_EQ(guess->index, 1);
  const double sum = std::exp(-1.0) + std::exp(-2.0) + std::exp(-3.0);
  EXPECT_NEAR(static_cast<double>(guess->probabilities[0]), std::exp(-2.0) / sum, 1e-6);
  EXPECT_NEAR(static_cast<double>(guess->probabilities[1]), std::exp(-1.0) / sum, 1e-6);
}

TEST(LanguageIdTest, RejectsWhatIsNoLanguage) {
  const std::vector<float> log_probs = {-1.0f, -2.0f};
  EXPECT_EQ(IdentifyLanguage(log_probs, {}).status().code(), StatusCode::kInvalidArgument);
  for (const int id : {-1, 2}) {
    const std::vector<int> ids = {0, id};
    EXPECT_EQ(IdentifyLanguage(log_probs, ids).status().code(), StatusCode::kInvalidArgument);
  }
  const std::vector<float> broken(2, std::numeric_limits<float>::quiet_NaN());
  const std::vector<int> ids = {0, 1};
  EXPECT_EQ(IdentifyLanguage(broken, ids).status().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace espalier
