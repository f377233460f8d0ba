// A device that goes away in the middle of a file: the CPU goes on from the window that is still
// held, and no word is lost or said twice.
#include <gtest/gtest.h>

#include "runtime/session/transcriber.h"
#include "tests/session/faulty_backend.h"
#include "tests/session/memory_reader.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;
using scripted_whisper::kFirstTime;
using scripted_whisper::kLetterA;

constexpr int kSamples = 16000 * 3 / 2;  // two windows

std::string ModelFolder() {
  static const std::string folder = scripted_whisper::WriteFolder(
      {.steps = {{kFirstTime}, {kLetterA}, {kFirstTime + 20}, {kEnd}}});
  return folder;
}

struct Outcome {
  Transcript transcript;
  std::vector<std::string> observed;  // texts in the order in which they were given out
};

Outcome Transcribe(const std::shared_ptr<Fault>& fault) {
  auto engine = Engine::Open({.model_folder = ModelFolder(), .threads = 1, .open_backend = [fault] {
                                return FaultyBackend::Make(fault);
                              }});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  if (!engine.ok()) return {};
  auto transcriber = Transcriber::Create(std::move(engine).value());
  EXPECT_TRUE(transcriber.ok()) << transcriber.status().message();
  MemoryReader audio(std::vector<float>(kSamples, 0.25f));
  TranscribeOptions options;
  options.language = "en";
  Outcome outcome;
  const TranscribeObserver observer{
      .on_segment = [&](const Segment& segment) { outcome.observed.push_back(segment.text); },
      .on_progress = {}};
  auto transcript = (*transcriber)->Transcribe(audio, options, observer, {});
  EXPECT_TRUE(transcript.ok()) << transcript.status().message();
  if (transcript.ok()) outcome.transcript = std::move(transcript).value();
  return outcome;
}

void ExpectSameWords(const Outcome& got, const Outcome& expected) {
  EXPECT_EQ(got.observed, expected.observed);
  ASSERT_EQ(got.transcript.segments.size(), expected.transcript.segments.size());
  for (size_t i = 0; i < expected.transcript.segments.size(); ++i) {
    EXPECT_EQ(got.transcript.segments[i].text, expected.transcript.segments[i].text);
    EXPECT_EQ(got.transcript.segments[i].start_ms, expected.transcript.segments[i].start_ms);
    EXPECT_EQ(got.transcript.segments[i].end_ms, expected.transcript.segments[i].end_ms);
  }
}

TEST(DeviceLostTest, TheCpuGoesOnWhicheverRunIsTheLast) {
  const auto healthy = std::make_shared<Fault>();
  const Outcome expected = Transcribe(healthy);
  ASSERT_GE(expected.transcript.segments.size(), 2u);
  EXPECT_TRUE(expected.transcript.warnings.empty());
  ASSERT_GT(healthy->run_count, 10);
  for (int n = 0; n < healthy->run_count; ++n) {
    SCOPED_TRACE(n);
    const auto fault = std::make_shared<Fault>();
    fault->runs_left = n;
    const Outcome outcome = Transcribe(fault);
    ExpectSameWords(outcome, expected);
    EXPECT_EQ(fault->run_count, n + 1) << "a lost device is not asked again";
    ASSERT_EQ(outcome.transcript.warnings.size(), 1u);
    EXPECT_NE(outcome.transcript.warnings[0].find("faulty:0 failed"), std::string::npos);
  }
}

TEST(DeviceLostTest, TheCpuGoesOnWhenTheDeviceIsFull) {
  const Outcome expected = Transcribe(std::make_shared<Fault>());
  for (const int n : {0, 1, 5}) {
    SCOPED_TRACE(n);
    const auto fault = std::make_shared<Fault>();
    fault->allocations_left = n;
    const Outcome outcome = Transcribe(fault);
    ExpectSameWords(outcome, expected);
    ASSERT_EQ(outcome.transcript.warnings.size(), 1u);
    EXPECT_NE(outcome.transcript.warnings[0].find("is full"), std::string::npos);
  }
}

}  // namespace
}  // namespace espalier
