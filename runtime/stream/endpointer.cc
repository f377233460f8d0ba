#include "runtime/stream/endpointer.h"

#include <algorithm>

namespace espalier {
namespace {

// Plosives and breaths: the run of voiced frames goes on behind them.
constexpr int64_t kLongestGapFrames = 15;

}  // namespace

EndpointChange Endpointer::Push(const SpeechFrame& frame, bool sentence_complete) {
  const bool was_paused = paused();
  ++frame_count_;
  if (!active_) return PushIdle(frame);
  if (frame.speech) {
    speech_end_frame_ = frame_count_;
    return was_paused ? EndpointChange::kResume : EndpointChange::kNone;
  }
  const int64_t silence_ms = silence_frames() * kFrameMs;
  if (silence_ms >= rules_.end_unfinished_ms ||
      (sentence_complete && silence_ms >= rules_.end_ms)) {
    End();
    return EndpointChange::kEnd;
  }
  return paused() && !was_paused ? EndpointChange::kPause : EndpointChange::kNone;
}

EndpointChange Endpointer::PushIdle(const SpeechFrame& frame) {
  if (frame.voiced) {
    if (voiced_begin_ < 0 || frame_count_ - voiced_end_ > kLongestGapFrames) {
      voiced_begin_ = frame_count_ - 1;
      may_begin_ = false;
    }
    voiced_end_ = frame_count_;
  }
  may_begin_ = may_begin_ || frame.likely;
  if (!frame.begins) return EndpointChange::kNone;
  Start();
  return EndpointChange::kStart;
}

void Endpointer::Start() {
  const int64_t earliest =
      std::max(speech_end_frame_, frame_count_ - rules_.longest_onset_ms / kFrameMs);
  start_frame_ = std::max(earliest, voiced_begin_ - rules_.pre_roll_ms / kFrameMs);
  speech_end_frame_ = frame_count_;
  active_ = true;
}

bool Endpointer::StartEarly() {
  if (active_ || !may_begin_ || frame_count_ - voiced_end_ > kLongestGapFrames) return false;
  Start();
  return true;
}

void Endpointer::End() {
  active_ = false;
  voiced_begin_ = voiced_end_ = -1;
  may_begin_ = false;
}

}  // namespace espalier
