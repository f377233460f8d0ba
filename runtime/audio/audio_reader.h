// Audio files and pipes to mono samples at one rate.
//
// Goals: any common file, any rate and channel count, in memory that does not grow with the length
// of the audio; a clear Status for anything that is not whole audio. Non-goals: microphones,
// seeking, writing, voice activity.
//
// Plain WAV is read by our own reader; FLAC, MP3, Ogg Vorbis and Opus, AIFF, AU, CAF and others by
// libsndfile. What it refuses goes to an `ffmpeg` process if one is on the PATH (M4A, MP4, WebM,
// AMR, WMA, ...). From a pipe: WAV and headerless PCM as they come; any other container is first
// copied to a temporary file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/status.h"

namespace espalier {

// kInvalidArgument, naming the sample, where one is no number or beyond any that audio has (1e10):
// it would spoil all that follows.
Status CheckSamples(std::span<const float> samples);

struct AudioOptions {
  std::string path;             // "-": standard input
  int sample_rate = 16000;      // Hz of what Read returns, 1000 to 768000
  int raw_sample_rate = 16000;  // Hz of headerless 16-bit little-endian PCM from a pipe
  int raw_channels = 1;         // interleaved channels of the same, 1 to 64
};

// One input, read once from its start to its end. One thread at a time.
class AudioReader {
 public:
  // Opens a file, a named pipe or standard input. Data from a pipe or standard input that no
  // container's mark begins is headerless PCM. Blocks until a pipe's first bytes are there.
  // Errors, each in one line that names the file: kInvalidArgument (missing, a folder, empty, not
  // audio, damaged header, rate or channel count out of range, an option out of range, ffmpeg is
  // needed and there is none), kExhausted (no process, or no room for a temporary file).
  static Result<std::unique_ptr<AudioReader>> Open(const AudioOptions& options);

  virtual ~AudioReader() = default;
  AudioReader(const AudioReader&) = delete;
  AudioReader& operator=(const AudioReader&) = delete;

  // Fills `out` from its start with the next samples: the mean of the channels, full scale ±1
  // (float files may exceed it; nothing is clipped), resampled with band limiting when the rates
  // differ. Returns how many: fewer than asked for when a live pipe has no more yet, 0 only at the
  // end (or for an empty `out`). n samples at `rate` give round(n * sample_rate / rate) in total,
  // without delay. Blocks on a pipe. Errors: kInvalidArgument (a sample that is not a finite
  // number, ffmpeg failed, the file cannot be read); the reader is then at its end.
  virtual Result<size_t> Read(std::span<float> out) = 0;

  // Length in samples at `sample_rate` as the container states it (it may be wrong, use it for
  // progress only), or nothing when the container does not say.
  virtual std::optional<int64_t> total_samples() const = 0;

  // Empty, or one line on why the audio is probably not whole, for instance
  // "x.wav: ends after 1.20 s though its header promises 3.00 s". Final once Read has returned 0.
  virtual std::string warning() const = 0;

 protected:
  AudioReader() = default;
};

}  // namespace espalier
