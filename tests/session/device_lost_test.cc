// A device that goes away in the middle of a file: the CPU goes on from the window that is still
// held, and no word is lost or said twice.
#include <gtest/gtest.h>

#include "tests/session/faulty_backend.h"
#include "tests/session/two_windows.h"

namespace espalier {
namespace {

TwoWindows Transcribe(const std::shared_ptr<Fault>& fault) {
  return TranscribeTwoWindows([fault] { return FaultyBackend::Make(fault); });
}

TEST(DeviceLostTest, TheCpuGoesOnWhicheverRunIsTheLast) {
  const auto healthy = std::make_shared<Fault>();
  const TwoWindows expected = Transcribe(healthy);
  ASSERT_GE(expected.transcript.segments.size(), 2u);
  EXPECT_TRUE(expected.transcript.warnings.empty());
  ASSERT_GT(healthy->run_count, 10);
  for (int n = 0; n < healthy->run_count; ++n) {
    SCOPED_TRACE(n);
    const auto fault = std::make_shared<Fault>();
    fault->runs_left = n;
    const TwoWindows outcome = Transcribe(fault);
    ExpectSameWords(outcome, expected);
    EXPECT_EQ(fault->run_count, n + 1) << "a lost device is not asked again";
    ASSERT_EQ(outcome.transcript.warnings.size(), 1u);
    EXPECT_NE(outcome.transcript.warnings[0].find("faulty:0 failed"), std::string::npos);
  }
}

TEST(DeviceLostTest, TheCpuGoesOnWhenTheDeviceIsFull) {
  const TwoWindows expected = Transcribe(std::make_shared<Fault>());
  for (const int n : {0, 1, 5}) {
    SCOPED_TRACE(n);
    const auto fault = std::make_shared<Fault>();
    fault->allocations_left = n;
    const TwoWindows outcome = Transcribe(fault);
    ExpectSameWords(outcome, expected);
    ASSERT_EQ(outcome.transcript.warnings.size(), 1u);
    EXPECT_NE(outcome.transcript.warnings[0].find("is full"), std::string::npos);
  }
}

}  // namespace
}  // namespace espalier
