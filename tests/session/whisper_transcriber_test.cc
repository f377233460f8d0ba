// Whisper's windows as openai-whisper's transcribe.py lets them follow each other.
#include <gtest/gtest.h>

#include "runtime/session/transcriber.h"
#include "tests/session/memory_reader.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;
using scripted_whisper::kFirstTime;
using scripted_whisper::kLetterA;
using scripted_whisper::Script;

constexpr int kSecond = 16000;

Transcript Transcribe(const Script& script, int sample_count, const TranscribeOptions& options) {
  auto engine = Engine::Open(
      {.model_folder = scripted_whisper::WriteFolder(script), .device = "reference", .threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  if (!engine.ok()) return {};
  auto transcriber = Transcriber::Create(std::move(engine).value());
  EXPECT_TRUE(transcriber.ok()) << transcriber.status().message();
  MemoryReader audio(std::vector<float>(static_cast<size_t>(sample_count), 0.25f));
  auto transcript = (*transcriber)->Transcribe(audio, options, {}, {});
  EXPECT_TRUE(transcript.ok()) << transcript.status().message();
  return transcript.ok() ? std::move(transcript).value() : Transcript{};
}

TranscribeOptions English() {
  TranscribeOptions options;
  options.language = "en";
  return options;
}

struct Expected {
  int64_t window_ms, start_ms, end_ms;
  std::string text;
};

void ExpectSegments(const Transcript& transcript, const std::vector<Expected>& expected) {
  ASSERT_EQ(transcript.segments.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const Segment& segment = transcript.segments[i];
    EXPECT_EQ(segment.window_start_ms, expected[i].window_ms) << i;
    EXPECT_EQ(segment.start_ms, expected[i].start_ms) << i;
    EXPECT_EQ(segment.end_ms, expected[i].end_ms) << i;
    EXPECT_EQ(segment.text, expected[i].text) << i;
  }
}

// "<|0.00|> a <|0.40|> <|0.40|> b", and no end of the second segment.
const Script kUnfinished{
    .steps = {
        {kFirstTime}, {kLetterA}, {kFirstTime + 20}, {kFirstTime + 20}, {kLetterA + 1}, {kEnd}}};

// "<|0.00|> a <|0.40|>": nothing is said after it.
const Script kFinished{.steps = {{kFirstTime}, {kLetterA}, {kFirstTime + 20}, {kEnd}}};

TEST(WhisperTranscriberTest, AWindowGoesOnFromTheLastPairOfTimes) {
  const Transcript transcript = Transcribe(kUnfinished, kSecond + kSecond / 10, English());
  EXPECT_EQ(transcript.timings.window_count, 3);
  ExpectSegments(transcript, {{0, 0, 400, "a"}, {400, 400, 800, "a"}, {800, 800, 1200, "a"}});
}

TEST(WhisperTranscriberTest, AFinishedWindowIsPassedOver) {
  const Transcript transcript = Transcribe(kFinished, 2 * kSecond + kSecond / 2, English());
  EXPECT_EQ(transcript.timings.window_count, 3);
  ExpectSegments(transcript, {{0, 0, 400, "a"}, {1000, 1000, 1400, "a"}, {2000, 2000, 2400, "a"}});
  EXPECT_NEAR(transcript.segments[0].avg_log_prob, 0.0, 1e-2);
}

// Whisper would invent a word for a rest that can hold none.
TEST(WhisperTranscriberTest, LessThanATenthOfASecondIsNoWindow) {
  for (const int rest : {1, 80, kSecond / 10 - 1}) {
    const Transcript transcript = Transcribe(kFinished, kSecond + rest, English());
    EXPECT_EQ(transcript.timings.window_count, 1) << rest;
    ExpectSegments(transcript, {{0, 0, 400, "a"}});
  }
  EXPECT_EQ(Transcribe(kFinished, kSecond + kSecond / 10, English()).timings.window_count, 2);
}

TEST(WhisperTranscriberTest, WithoutTimesAWindowIsASegment) {
  // The prompt is one token longer: <|notimestamps|>.
  const Script script{.steps = {{}, {kLetterA}, {kLetterA + 1}, {kEnd}}};
  TranscribeOptions options = English();
  options.timestamps = false;
  const Transcript transcript = Transcribe(script, kSecond + kSecond / 2, options);
  EXPECT_EQ(transcript.timings.window_count, 2);
  ExpectSegments(transcript, {{0, 0, 1000, "ab"}, {1000, 1000, 1500, "ab"}});
}

// A guess among eight letters at every step (-2 on average) is improbable.
Script Guesses(bool no_speech) {
  Script script{.steps = {{kFirstTime}}, .no_speech = no_speech};
  std::vector<int> letters;
  for (int i = 0; i < 8; ++i) letters.push_back(kLetterA + i);
  for (int i = 0; i < 11; ++i) script.steps.push_back(letters);
  return script;
}

TEST(WhisperTranscriberTest, ASilentWindowHasNoText) {
  const Transcript transcript = Transcribe(Guesses(true), kSecond + kSecond / 2, English());
  EXPECT_EQ(transcript.timings.window_count, 2);
  EXPECT_TRUE(transcript.segments.empty());
}

TEST(WhisperTranscriberTest, ImprobableTextEndsAtTheHighestTemperature) {
  TranscribeOptions options = English();
  options.temperatures = {0.0, 0.5, 0.9};
  const Transcript transcript = Transcribe(Guesses(false), kSecond, options);
  ASSERT_EQ(transcript.segments.size(), 1u);
  EXPECT_EQ(transcript.segments[0].temperature, 0.9);
  EXPECT_EQ(transcript.segments[0].outcome, DecodeOutcome::kTruncated);
  EXPECT_EQ(transcript.segments[0].tokens.size(), 12u) << "half of the decoder's positions";
  EXPECT_EQ(transcript.warnings.size(), 1u);
}

}  // namespace
}  // namespace espalier
