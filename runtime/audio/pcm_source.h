// Where samples come from, before mixing to mono and resampling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/status.h"

namespace espalier {

// The numbers that every source checks when it opens.
inline constexpr int kMinSampleRate = 1000;    // Hz
inline constexpr int kMaxSampleRate = 768000;  // Hz
inline constexpr int kMaxChannels = 64;

// kInvalidArgument when a rate or channel count is out of range.
Status CheckPcmFormat(const std::string& name, int sample_rate, int channels);

// "NAME: ends after A s though its header promises B s".
std::string TruncationWarning(const std::string& name, double seconds, double promised_seconds);

// Interleaved float samples of one input. A PCM frame here is one sample of every channel.
class PcmSource {
 public:
  virtual ~PcmSource() = default;
  PcmSource(const PcmSource&) = delete;
  PcmSource& operator=(const PcmSource&) = delete;

  int sample_rate() const { return sample_rate_; }
  int channels() const { return channels_; }

  // Frames in the whole input as its header states them.
  virtual std::optional<int64_t> total_frames() const { return std::nullopt; }

  // Reads up to interleaved.size() / channels() frames, at least one unless at the end. Returns the
  // number of frames, 0 at the end. Errors are those of AudioReader::Read.
  virtual Result<size_t> Read(std::span<float> interleaved) = 0;

  // See AudioReader::warning.
  virtual std::string warning() const { return {}; }

 protected:
  PcmSource() = default;
  int sample_rate_ = 0;  // Hz
  int channels_ = 0;
};

}  // namespace espalier
