#include "tests/session/two_windows.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/session/memory_reader.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;
using scripted_whisper::kFirstTime;
using scripted_whisper::kLetterA;

constexpr int kSamples = 16000 * 3 / 2;

std::string ModelFolder() {
  static const std::string folder = scripted_whisper::WriteFolder(
      {.steps = {{kFirstTime}, {kLetterA}, {kFirstTime + 20}, {kEnd}}});
  return folder;
}

}  // namespace

TwoWindows TranscribeTwoWindows(std::function<Result<std::unique_ptr<Backend>>()> open_backend) {
  auto engine = Engine::Open(
      {.model_folder = ModelFolder(), .threads = 1, .open_backend = std::move(open_backend)});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  if (!engine.ok()) return {};
  auto transcriber = Transcriber::Create(std::move(engine).value());
  EXPECT_TRUE(transcriber.ok()) << transcriber.status().message();
  MemoryReader audio(std::vector<float>(kSamples, 0.25f));
  TranscribeOptions options;
  options.language = "en";
  TwoWindows outcome;
  const TranscribeObserver observer{
      .on_segment = [&](const Segment& segment) { outcome.observed.push_back(segment.text); },
      .on_progress = {}};
  auto transcript = (*transcriber)->Transcribe(audio, options, observer, {});
  EXPECT_TRUE(transcript.ok()) << transcript.status().message();
  if (transcript.ok()) outcome.transcript = std::move(transcript).value();
  return outcome;
}

void ExpectSameWords(const TwoWindows& got, const TwoWindows& expected) {
  EXPECT_EQ(got.observed, expected.observed);
  ASSERT_EQ(got.transcript.segments.size(), expected.transcript.segments.size());
  for (size_t i = 0; i < expected.transcript.segments.size(); ++i) {
    EXPECT_EQ(got.transcript.segments[i].text, expected.transcript.segments[i].text);
    EXPECT_EQ(got.transcript.segments[i].start_ms, expected.transcript.segments[i].start_ms);
    EXPECT_EQ(got.transcript.segments[i].end_ms, expected.transcript.segments[i].end_ms);
  }
}

}  // namespace espalier
