// Which 10 ms of a stream are speech.
//
// WebRTC's detector answers first, but to it loud noise, hum and music are voices too. So what it
// passes must also behave like speech over the last 600 ms, in two measures of a 32-band spectrum:
//   modulation  standard deviation of the level, in dB: syllables rise and fall
//   motion      mean change of the spectrum's shape within 40 ms, in dB: mouths move, notes stand
// Speech has both. Steady noise has motion and no modulation, plucked notes and drums have
// modulation and no motion, hum, tones and chords have neither; some music has as much of both as
// speech. And it must be about as loud as speech was lately (LevelRange): in the rest behind a
// sentence the two measures still see the sentence, and WebRTC's detector hears a room's noise as a
// voice for up to a second.
//
// Non-goals: singing, babble, where an utterance ends (endpointer.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/audio/voice_detector.h"
#include "runtime/base/status.h"
#include "runtime/features/log_mel.h"

namespace espalier {

// How loud the loud and the quiet parts of the last seconds are. Both follow a level at once when
// it is beyond them, and come back slowly.
class LevelRange {
 public:
  // The next step's mean square.
  void Push(double power);
  // Whether the last steps are far below what was loud, and no louder than what was quiet.
  bool InARest() const;

 private:
  static constexpr int kSmoothed = 3;  // steps
  std::array<double, kSmoothed> powers_ = {};
  int64_t count_ = 0;
  double level_db_ = 0, loud_db_ = 0, quiet_db_ = 0;
};

// What was heard in one step of 10 ms.
struct SpeechFrame {
  bool voiced = false;  // WebRTC's opinion
  bool speech = false;  // and nothing says that it is no speech: an utterance goes on
  bool likely = false;  // and it is more like speech than anything else that is known
  bool begins = false;  // and it plainly is speech: one may begin
};

// One stream, one thread. Memory does not grow with the stream.
class SpeechDetector {
 public:
  // Errors: kInvalidArgument (strictness, as VoiceDetector::Create), kInternal.
  static Result<std::unique_ptr<SpeechDetector>> Create(int strictness);

  // The next kVoiceFrameSamples samples; one frame for them. The evidence is that of frames whose
  // spectrum is complete: 20 ms behind.
  SpeechFrame Push(std::span<const float> samples);

 private:
  static constexpr int kBands = 32;
  static constexpr int kWindowFrames = 60;
  static constexpr int kMotionFrames = 4;
  using Bands = std::array<float, kBands>;  // dB

  // Of one frame; a frame's level and motion are known when its spectrum is.
  struct Evidence {
    bool voiced = false;
    double level_db = 0;
    double motion_db = 0;
  };

  SpeechDetector(std::unique_ptr<VoiceDetector> voice, std::unique_ptr<LogMel> spectrum);
  void AddSpectrum(std::span<const float> log_mel);
  SpeechFrame Judge(bool voiced) const;

  std::unique_ptr<VoiceDetector> voice_;
  std::unique_ptr<LogMel> log_mel_;
  StreamingLogMel spectrum_;
  std::vector<float> frames_;  // scratch
  std::array<Bands, kMotionFrames> recent_ = {};
  std::array<Evidence, kWindowFrames> evidence_ = {};
  LevelRange levels_;
  std::vector<bool> voiced_;  // of steps whose spectrum is not complete yet
  int64_t spectrum_count_ = 0;
};

}  // namespace espalier
