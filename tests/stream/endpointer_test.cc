#include "runtime/stream/endpointer.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

constexpr SpeechFrame kQuiet{};
constexpr SpeechFrame kVoiced{.voiced = true};
constexpr SpeechFrame kSpeech{.voiced = true, .speech = true};
constexpr SpeechFrame kPlain{.voiced = true, .speech = true, .begins = true};

// Pushes `count` frames and returns the last change that was one.
EndpointChange Push(Endpointer* endpointer, const SpeechFrame& frame, int count,
                    bool complete = false) {
  EndpointChange last = EndpointChange::kNone;
  for (int i = 0; i < count; ++i) {
    const EndpointChange change = endpointer->Push(frame, complete);
    if (change != EndpointChange::kNone) last = change;
  }
  return last;
}

TEST(EndpointerTest, AnUtteranceBeginsBeforeItsFirstVoicedFrame) {
  Endpointer endpointer({.pre_roll_ms = 200});
  EXPECT_EQ(Push(&endpointer, kQuiet, 100), EndpointChange::kNone);
  EXPECT_EQ(Push(&endpointer, kVoiced, 20), EndpointChange::kNone);
  EXPECT_EQ(Push(&endpointer, kPlain, 1), EndpointChange::kStart);
  EXPECT_TRUE(endpointer.active());
  EXPECT_EQ(endpointer.start_frame(), 80);
  EXPECT_EQ(endpointer.speech_end_frame(), 121);
}

TEST(EndpointerTest, ALongOnsetIsCut) {
  Endpointer endpointer({.longest_onset_ms = 1000});
  Push(&endpointer, kVoiced, 500);
  Push(&endpointer, kPlain, 1);
  EXPECT_EQ(endpointer.start_frame(), 401);
}

TEST(EndpointerTest, ARestBeginsAnotherRun) {
  Endpointer endpointer({.pre_roll_ms = 0});
  Push(&endpointer, kVoiced, 10);
  Push(&endpointer, kQuiet, 10);  // a plosive: the run goes on
  Push(&endpointer, kVoiced, 10);
  Push(&endpointer, kQuiet, 30);  // a rest
  Push(&endpointer, kVoiced, 5);
  Push(&endpointer, kPlain, 1);
  EXPECT_EQ(endpointer.start_frame(), 60);
}

TEST(EndpointerTest, AWholeSentenceEndsSoonerThanAPartOfOne) {
  for (const bool complete : {false, true}) {
    Endpointer endpointer({.pause_ms = 100, .end_ms = 300, .end_unfinished_ms = 600});
    Push(&endpointer, kPlain, 50);
    EXPECT_EQ(Push(&endpointer, kQuiet, 9), EndpointChange::kNone);
    EXPECT_FALSE(endpointer.paused());
    EXPECT_EQ(Push(&endpointer, kVoiced, 1), EndpointChange::kPause) << "noise is silence too";
    EXPECT_TRUE(endpointer.paused());
    EXPECT_EQ(Push(&endpointer, kQuiet, 19, complete), EndpointChange::kNone);
    EXPECT_EQ(Push(&endpointer, kQuiet, 1, complete),
              complete ? EndpointChange::kEnd : EndpointChange::kNone);
    if (!complete) {
      EXPECT_EQ(Push(&endpointer, kQuiet, 30), EndpointChange::kEnd);
    }
    EXPECT_FALSE(endpointer.active());
    EXPECT_EQ(endpointer.speech_end_frame(), 50);
  }
}

TEST(EndpointerTest, SpeechAfterAPauseResumes) {
  Endpointer endpointer({.pause_ms = 100});
  Push(&endpointer, kPlain, 10);
  EXPECT_EQ(Push(&endpointer, kQuiet, 20), EndpointChange::kPause);
  EXPECT_EQ(Push(&endpointer, kSpeech, 1), EndpointChange::kResume);
  EXPECT_EQ(Push(&endpointer, kSpeech, 1), EndpointChange::kNone);
  EXPECT_EQ(endpointer.start_frame(), 0);
}

TEST(EndpointerTest, UtterancesDoNotOverlap) {
  Endpointer endpointer({.pre_roll_ms = 2000, .end_ms = 200, .end_unfinished_ms = 300});
  Push(&endpointer, kPlain, 100);
  EXPECT_EQ(Push(&endpointer, kQuiet, 30), EndpointChange::kEnd);
  EXPECT_EQ(Push(&endpointer, kPlain, 1), EndpointChange::kStart);
  EXPECT_EQ(endpointer.start_frame(), 100);
}

TEST(EndpointerTest, AShortWordBeginsEarlyOnRequest) {
  Endpointer endpointer({.pre_roll_ms = 0});
  EXPECT_FALSE(endpointer.StartEarly());
  Push(&endpointer, kVoiced, 5);
  EXPECT_FALSE(endpointer.StartEarly()) << "voiced, but no sign of speech";
  Push(&endpointer, kSpeech, 2);
  EXPECT_FALSE(endpointer.StartEarly()) << "drums would do as well";
  Push(&endpointer, {.voiced = true, .speech = true, .likely = true}, 3);
  EXPECT_TRUE(endpointer.StartEarly());
  EXPECT_EQ(endpointer.start_frame(), 0);
  endpointer.End();
  EXPECT_FALSE(endpointer.active());
  EXPECT_FALSE(endpointer.StartEarly());
}

TEST(EndpointerTest, ACutGoesOn) {
  Endpointer endpointer({});
  Push(&endpointer, kPlain, 100);
  endpointer.Cut();
  EXPECT_TRUE(endpointer.active());
  EXPECT_EQ(endpointer.start_frame(), 100);
}

}  // namespace
}  // namespace espalier
