// Windows of audio and their features, as the model family wants them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/audio/audio_reader.h"
#include "runtime/base/status.h"
#include "runtime/session/engine.h"

namespace espalier {

// A reader seen through one window that moves forward; holds one window of samples. Not
// thread-safe.
class AudioWindow {
 public:
  // `audio` must outlive the window. `limit_samples`: the audio ends there; < 0: no limit.
  AudioWindow(AudioReader* audio, int64_t window_samples, int64_t limit_samples);

  // Drops samples before the window is first filled. Errors: those of the reader.
  Status Skip(int64_t sample_count);

  // Reads until the window is full or the audio ends. Errors: those of the reader.
  Status Fill();

  // Moves the window forward by `sample_count` samples, over its end if need be.
  Status Advance(int64_t sample_count);

  std::span<const float> samples() const { return samples_; }  // after Fill: shorter at the end
  int64_t begin() const { return begin_; }                     // of the window, in samples
  bool at_end() const { return ended_; }  // after Fill: nothing comes after this window

 private:
  Result<size_t> ReadMore(std::span<float> out);

  AudioReader* audio_;
  size_t window_samples_;
  int64_t limit_samples_;
  int64_t read_samples_ = 0;
  int64_t begin_ = 0;
  bool ended_ = false;
  std::vector<float> samples_;
};

// Feature frames that become one step of the encoder.
int FramesPerStep(const EncoderConfig& encoder);

// Samples of one window.
int64_t WindowSamples(const ModelConfig& config);

// Samples that are fed for `sample_count` samples of audio: the window, or where the configuration
// has a true length the audio with its tail, in whole encoder steps, and at most the window.
int64_t FedSamples(const ModelConfig& config, int64_t sample_count);

// Log-mel of `samples` padded with zeros (or cut) to FedSamples, (frames, mels): natural logarithm
// for OWSM; for Whisper normalised as its own code does, 3000 frames for 30 s.
std::vector<float> WindowFeatures(const Engine& engine, std::span<const float> samples);

}  // namespace espalier
