#include "runtime/base/status.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("odd");
  return n / 2;
}

Status Quarter(int n, int* out) {
  ESP_ASSIGN_OR_RETURN(const int half, Half(n));
  ESP_ASSIGN_OR_RETURN(*out, Half(half));
  return OkStatus();
}

TEST(StatusTest, MacrosPropagate) {
  int out = 0;
  EXPECT_TRUE(Quarter(12, &out).ok());
  EXPECT_EQ(out, 3);
  EXPECT_EQ(Quarter(6, &out).code(), StatusCode::kInvalidArgument);
}

TEST(StatusTest, ContextIsPutInFront) {
  EXPECT_EQ(Corrupt("bad").WithContext("a.wav").message(), "a.wav: bad");
  EXPECT_TRUE(OkStatus().WithContext("a.wav").ok());
}

TEST(StatusTest, ExitCodesAreTheConventions) {
  EXPECT_EQ(ExitCode(StatusCode::kOk), 0);
  EXPECT_EQ(ExitCode(StatusCode::kInternal), 1);
  EXPECT_EQ(ExitCode(StatusCode::kInvalidArgument), 2);
  EXPECT_EQ(ExitCode(StatusCode::kNotFound), 3);
  EXPECT_EQ(ExitCode(StatusCode::kCorrupt), 3);
  EXPECT_EQ(ExitCode(StatusCode::kUnsupported), 4);
  EXPECT_EQ(ExitCode(StatusCode::kUnwritable), 5);
  EXPECT_EQ(ExitCode(StatusCode::kCancelled), 130);
  EXPECT_EQ(StatusCodeName(StatusCode::kUnwritable), "unwritable");
}

}  // namespace
}  // namespace espalier
