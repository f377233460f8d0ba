// An hour of audio in flat memory; soak_main.cc does a day.
#include "tests/stream/soak.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

constexpr double kHours = 1;
constexpr double kTolerance = 0.05;

TEST(SoakTest, AnHourOfAudioInFlatMemory) {
  const auto engine = Engine::Open(
      {.model_folder = "tests/golden/data/model_gated", .threads = 1, .beam_size_max = 1});
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  const auto report = RunSoak(*engine, kHours, {"eng", "deu"}, {});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_GE(report->samples.size(), 9u);
  EXPECT_GT(report->utterance_count, 200);
  EXPECT_LT(report->growth(), kTolerance);
  EXPECT_LT(report->shrinkage(), kTolerance);
}

}  // namespace
}  // namespace espalier
