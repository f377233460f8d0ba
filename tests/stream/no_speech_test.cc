// What a Whisper says of a sound that it half takes for none is not believed.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/stream/live_session.h"
#include "tests/session/scripted_whisper.h"
#include "tests/stream/signals.h"

namespace espalier {
namespace {

using namespace scripted_whisper;

// The texts of a session in which the decoder says one letter out of `choices`, all as likely.
std::string TextOf(bool no_speech, int choices) {
  std::vector<int> letters;
  for (int i = 0; i < choices; ++i) letters.push_back(kLetterA + i);
  // The first step is <|notimestamps|>, which the prompt has.
  const std::string folder =
      WriteFolder({.steps = {{kEnd}, letters, letters, {kEnd}}, .no_speech = no_speech});
  auto engine = Engine::Open({.model_folder = folder, .threads = 1, .beam_size_max = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  LiveOptions options;
  options.language = "en";
  auto session = LiveSession::Create(*engine, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  std::vector<float> samples = SpeechLike(0.6, 1);
  Append(Silence(1), &samples);
  EXPECT_TRUE((*session)->Push(samples).ok());
  EXPECT_TRUE((*session)->Finish().ok());
  std::string text;
  while (const auto event = (*session)->Next()) {
    if (event->type == LiveEventType::kFinal) text += event->committed;
  }
  return text;
}

TEST(NoSpeechTest, DoubtfulTextOfASoundThatMayBeNoSpeechIsLeftOut) {
  EXPECT_EQ(TextOf(/*no_speech=*/true, /*choices=*/3), "") << "a log-probability of -1.1";
  EXPECT_NE(TextOf(/*no_speech=*/true, /*choices=*/1), "") << "text that is sure";
  EXPECT_NE(TextOf(/*no_speech=*/false, /*choices=*/3), "") << "a sound that is speech";
}

}  // namespace
}  // namespace espalier
