// Recordings through the C interface.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

// Mono samples at one rate. One thread at a time.
class Audio {
 public:
  // Errors: those of esp_audio_open.
  static Result<std::unique_ptr<Audio>> Open(const std::string& path,
                                             const esp_audio_options& options);
  // What `fill` writes, total_samples in all.
  static Result<std::unique_ptr<Audio>> Make(std::function<void(std::span<float>)> fill,
                                             int64_t total_samples);
  ~Audio() { esp_audio_close(audio_); }
  Audio(const Audio&) = delete;
  Audio& operator=(const Audio&) = delete;

  // Fills `out` from its start; returns how many samples, 0 only at the end. Errors: those of
  // esp_audio_read.
  Result<size_t> Read(std::span<float> out);
  // The first `count` samples, or all there are. Errors: likewise.
  Result<std::vector<float>> ReadStart(int64_t count);
  // Nothing when the file does not say.
  std::optional<int64_t> total_samples() const;

  esp_audio* get() const { return audio_; }

 private:
  Audio() = default;
  static int64_t Fill(void* user, float* into, int64_t count);

  std::function<void(std::span<float>)> fill_;
  int64_t left_ = 0;  // for fill_ to write
  esp_audio* audio_ = nullptr;
};

}  // namespace espalier::cli
