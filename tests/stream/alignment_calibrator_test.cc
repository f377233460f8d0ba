// Heads are scored on what they look at; the text and its times come from a model with random
// weights, so only the bookkeeping has a meaning here. On real speech: tests/cli/calibrate_test.sh.
#include "runtime/stream/alignment_calibrator.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/session/scripted_whisper.h"
#include "tests/stream/signals.h"

namespace espalier {
namespace {

std::unique_ptr<AlignmentCalibrator> Open(const std::string& folder) {
  auto engine = Engine::Open({.model_folder = folder, .threads = 1, .beam_size_max = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  auto calibrator = AlignmentCalibrator::Create(*engine);
  EXPECT_TRUE(calibrator.ok()) << calibrator.status().message();
  return std::move(calibrator).value();
}

void ExpectAChoice(const AlignmentChoice& choice, size_t head_count) {
  ASSERT_EQ(choice.heads.size(), head_count);
  EXPECT_GT(choice.token_count, 0);
  for (size_t i = 1; i < choice.heads.size(); ++i) {
    EXPECT_GE(choice.heads[i].distance_ms, choice.heads[i - 1].distance_ms);
  }
  ASSERT_FALSE(choice.chosen.empty());
  EXPECT_TRUE(std::is_sorted(choice.chosen.begin(), choice.chosen.end()));
  const std::pair nearest{choice.heads[0].layer, choice.heads[0].head};
  EXPECT_NE(std::find(choice.chosen.begin(), choice.chosen.end(), nearest), choice.chosen.end());
  EXPECT_LE(choice.chosen_ms, choice.heads[0].distance_ms) << "others joined for nothing";
  EXPECT_LE(choice.chosen_ms, AlignmentCalibrator::kFarMs);
}

TEST(AlignmentCalibratorTest, ChoosesTheNearestHeads) {
  const auto calibrator = Open("tests/golden/data/model_plain");
  EXPECT_EQ(calibrator->Choose().status().code(), StatusCode::kInvalidArgument)
      << "nothing was heard";
  for (int voice = 0; voice < 3; ++voice) {
    const auto text = calibrator->Listen(SpeechLike(1.2, voice), "eng");
    ASSERT_TRUE(text.ok()) << text.status().message();
  }
  const auto choice = calibrator->Choose();
  ASSERT_TRUE(choice.ok()) << choice.status().message();
  ExpectAChoice(*choice, 2 * 4);
}

// Without CTC the text is spread over the voiced audio.
TEST(AlignmentCalibratorTest, WhisperNeedsNoCtc) {
  using namespace scripted_whisper;
  // The first step is <|notimestamps|>, which the prompt has.
  const std::string folder =
      WriteFolder({.steps = {{kEnd}, {kLetterA}, {kLetterA + 1}, {kLetterA + 2}, {kEnd}}});
  const auto calibrator = Open(folder);
  const auto text = calibrator->Listen(SpeechLike(0.8, 1), "en");
  ASSERT_TRUE(text.ok()) << text.status().message();
  EXPECT_EQ(*text, "abc");
  EXPECT_EQ(*calibrator->Listen(Silence(0.8), "en"), "") << "where nobody speaks nothing is known";
  const auto choice = calibrator->Choose();
  ASSERT_TRUE(choice.ok()) << choice.status().message();
  EXPECT_EQ(choice->token_count, 3);
  EXPECT_FALSE(choice->chosen.empty());
}

TEST(AlignmentCalibratorTest, OtherLanguagesAreRefused) {
  const auto calibrator = Open("tests/golden/data/model_plain");
  EXPECT_EQ(calibrator->Listen(SpeechLike(1, 1), "Klingon").status().code(),
            StatusCode::kUnsupported);
}

}  // namespace
}  // namespace espalier
