// Where utterances begin and end, from one SpeechFrame each 10 ms.
#pragma once

#include <cstdint>

#include "runtime/stream/speech_detector.h"

namespace espalier {

// In milliseconds, multiples of 10.
struct SilenceRules {
  int pre_roll_ms = 200;  // audio before the first voiced frame that belongs to an utterance
  int longest_onset_ms =
      2000;            // voiced frames before speech was certain that belong to it, at most
  int pause_ms = 160;  // silence after which what was said so far is decoded to its end
  int end_ms = 340;    // silence that ends an utterance whose text ends a sentence
  int end_unfinished_ms = 380;  // silence that ends any utterance
};

enum class EndpointChange {
  kNone,
  kStart,   // an utterance has begun, at start_frame()
  kPause,   // nobody has spoken for pause_ms
  kResume,  // the speech went on after a pause
  kEnd,     // the utterance is over; it ended at speech_end_frame()
};

// Frames are counted from the stream's start. Not thread-safe.
class Endpointer {
 public:
  explicit Endpointer(const SilenceRules& rules) : rules_(rules) {}

  // The next frame. sentence_complete: whether the text so far ends a sentence.
  EndpointChange Push(const SpeechFrame& frame, bool sentence_complete);

  // Begins an utterance now if one may just be beginning (a short word before a flush). False when
  // there is no sign of one.
  bool StartEarly();
  // Ends the utterance at hand.
  void End();
  // The utterance at hand ended here and another one begins, without a rest.
  void Cut() { start_frame_ = speech_end_frame_ = frame_count_; }

  bool active() const { return active_; }
  bool paused() const { return active_ && silence_frames() * kFrameMs >= rules_.pause_ms; }
  // Nobody has spoken for some frames: a pause may be about to be one.
  bool falls_silent() const { return active_ && silence_frames() >= kFramesOfSilence; }
  int64_t start_frame() const { return start_frame_; }
  // One behind the last frame of speech.
  int64_t speech_end_frame() const { return speech_end_frame_; }
  int64_t frame_count() const { return frame_count_; }

  static constexpr int kFrameMs = 10;

 private:
  static constexpr int64_t kFramesOfSilence = 3;

  int64_t silence_frames() const { return frame_count_ - speech_end_frame_; }
  void Start();
  EndpointChange PushIdle(const SpeechFrame& frame);

  SilenceRules rules_;
  bool active_ = false;
  bool may_begin_ = false;     // since the last rest, some frame was likely speech
  int64_t frame_count_ = 0;    // pushed
  int64_t voiced_begin_ = -1;  // of the present run of voiced frames, short gaps included
  int64_t voiced_end_ = -1;    // one behind its last voiced frame
  int64_t start_frame_ = 0;
  int64_t speech_end_frame_ = 0;  // also the earliest frame that the next utterance may begin at
};

}  // namespace espalier
