// What a microphone hears, as a WAV file that is whole at every moment.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "runtime/base/status.h"

namespace espalier::cli {

// 16 bits, mono. Samples go to the file as they come, and its header follows every second: whatever
// ends the process, the recording can be played. One thread.
class WavRecorder {
 public:
  // Errors: kUnwritable (`path` exists and may not be replaced, or cannot be made).
  static Result<std::unique_ptr<WavRecorder>> Create(const std::string& path, int sample_rate,
                                                     bool replace);
  ~WavRecorder();
  WavRecorder(const WavRecorder&) = delete;
  WavRecorder& operator=(const WavRecorder&) = delete;

  // Full scale ±1; what is louder is clipped. Errors: kUnwritable (a full disk).
  Status Add(std::span<const float> samples);
  // The header says the final length. Errors: kUnwritable.
  Status Finish();

 private:
  WavRecorder(std::string path, int fd, int sample_rate)
      : path_(std::move(path)), fd_(fd), sample_rate_(sample_rate) {}
  Status WriteHeader();
  Status Failed() const;

  const std::string path_;
  const int fd_;
  const int sample_rate_;
  int64_t samples_ = 0;
  int64_t samples_in_header_ = 0;
};

}  // namespace espalier::cli
