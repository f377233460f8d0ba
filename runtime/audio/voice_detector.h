// Voice activity by WebRTC's detector (Debian's webrtc-audio-processing), 10 ms at a time.
//
// Goals: a cheap first look that passes hardly any speech by. Non-goals: telling speech from loud
// noise, hum and music, all of which it takes for voice (stream/speech_detector.h does that).
#pragma once

#include <memory>
#include <span>

#include "runtime/base/status.h"

namespace espalier {

inline constexpr int kVoiceSampleRate = 16000;  // Hz
inline constexpr int kVoiceFrameSamples = 160;  // 10 ms

// One stream, one thread.
class VoiceDetector {
 public:
  // strictness: 0 (lets most pass) to 3. Errors: kInvalidArgument, kInternal (the library).
  static Result<std::unique_ptr<VoiceDetector>> Create(int strictness);
  ~VoiceDetector();
  VoiceDetector(const VoiceDetector&) = delete;
  VoiceDetector& operator=(const VoiceDetector&) = delete;

  // Whether the next kVoiceFrameSamples samples (full scale ±1) may hold a voice. Samples that are
  // not finite count as zero.
  bool Process(std::span<const float> samples);

 private:
  struct State;
  explicit VoiceDetector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace espalier
