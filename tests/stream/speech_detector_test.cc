#include "runtime/stream/speech_detector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/stream/signals.h"

namespace espalier {
namespace {

struct Heard {
  int frames = 0, voiced = 0, speech = 0, begins = 0;
  int first_begin = -1;
};

Heard Listen(const std::vector<float>& samples) {
  auto detector = SpeechDetector::Create(2);
  EXPECT_TRUE(detector.ok()) << detector.status().message();
  Heard heard;
  const std::span<const float> all(samples);
  for (size_t at = 0; at + kVoiceFrameSamples <= all.size(); at += kVoiceFrameSamples) {
    const SpeechFrame frame = (*detector)->Push(all.subspan(at, kVoiceFrameSamples));
    heard.voiced += frame.voiced ? 1 : 0;
    heard.speech += frame.speech ? 1 : 0;
    heard.begins += frame.begins ? 1 : 0;
    if (frame.begins && heard.first_begin < 0) heard.first_begin = heard.frames;
    ++heard.frames;
  }
  return heard;
}

TEST(SpeechDetectorTest, WhatIsNoSpeechNeverBegins) {
  for (const NamedSignal& signal : NonSpeech(12)) {
    const Heard heard = Listen(signal.samples);
    EXPECT_EQ(heard.begins, 0) << signal.name << ": " << heard.voiced << " of " << heard.frames
                               << " frames voiced, first at " << heard.first_begin;
  }
}

// The evidence is needed: WebRTC's detector alone takes these for voices.
TEST(SpeechDetectorTest, SomeOfItIsVoiced) {
  int voiced = 0;
  for (const NamedSignal& signal : NonSpeech(3)) {
    const Heard heard = Listen(signal.samples);
    voiced += heard.voiced > heard.frames / 2 ? 1 : 0;
  }
  EXPECT_GE(voiced, 4);
}

TEST(SpeechDetectorTest, SpeechBeginsSoonAndGoesOn) {
  for (const int voice : {0, 1, 2, 3}) {
    std::vector<float> samples = Silence(1);
    Append(SpeechLike(5, voice), &samples);
    const Heard heard = Listen(samples);
    EXPECT_GT(heard.first_begin, 100) << voice;
    EXPECT_LT(heard.first_begin, 160) << voice;
    EXPECT_GT(heard.speech, 350) << voice;
  }
}

// A room's noise, which WebRTC's detector takes for a voice, is a rest behind louder speech.
TEST(SpeechDetectorTest, ARestBeginsWhereTheSpeechEnds) {
  std::vector<float> samples = SpeechLike(2.5, 1);
  const size_t speech_end = samples.size();
  Append(Silence(1), &samples);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] += 0.01f * std::sin(0.37f * static_cast<float>(i * (i % 89)));
  }
  auto detector = SpeechDetector::Create(2);
  ASSERT_TRUE(detector.ok());
  size_t last = 0;
  const std::span<const float> all(samples);
  for (size_t at = 0; at + kVoiceFrameSamples <= all.size(); at += kVoiceFrameSamples) {
    if ((*detector)->Push(all.subspan(at, kVoiceFrameSamples)).speech) last = at;
  }
  EXPECT_GT(last + 3200, speech_end);
  EXPECT_LT(last, speech_end + 640);
}

TEST(LevelRangeTest, ARestIsFarBelowWhatWasLoud) {
  LevelRange range;
  const auto push = [&](double db, int count) {
    for (int i = 0; i < count; ++i) range.Push(std::pow(10.0, db / 10));
  };
  push(-60, 100);
  EXPECT_FALSE(range.InARest()) << "nothing was loud";
  push(-10, 50);
  EXPECT_FALSE(range.InARest());
  push(-35, 5);
  EXPECT_FALSE(range.InARest()) << "a quiet syllable";
  push(-45, 5);
  EXPECT_TRUE(range.InARest());
  push(-35, 100);
  EXPECT_TRUE(range.InARest()) << "a noise that stays";
  push(-15, 5);
  EXPECT_FALSE(range.InARest());
}

TEST(SpeechDetectorTest, NumbersThatAreNoneAreSilence) {
  std::vector<float> samples(16000, std::numeric_limits<float>::quiet_NaN());
  Append(std::vector<float>(16000, std::numeric_limits<float>::infinity()), &samples);
  EXPECT_EQ(Listen(samples).begins, 0);
}

TEST(SpeechDetectorTest, StrictnessHasARange) {
  EXPECT_EQ(SpeechDetector::Create(4).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(SpeechDetector::Create(-1).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace espalier
