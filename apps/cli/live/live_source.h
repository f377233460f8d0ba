// Where a live session's samples come from: a microphone, or a file that is played.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/client/audio.h"
#include "apps/cli/console.h"
#include "runtime/base/status.h"

namespace espalier::cli {

// Mono samples at the session's rate. One thread.
class LiveSource {
 public:
  virtual ~LiveSource() = default;
  // What has come since the last call, some tenths of a second at most. May wait some hundredths of
  // a second; empty when nothing came meanwhile, or at the end. Errors: those of the reader or
  // device.
  virtual Result<std::vector<float>> Next() = 0;
  // Takes no more sound. What has come already is still given, then the source has ended.
  virtual void Stop() = 0;
  virtual bool ended() const = 0;
  // Samples that wait already behind those of the last Next.
  virtual int64_t backlog_samples() const = 0;
  // How often sound was lost because nobody took it, and how much of it, where that is known.
  virtual int64_t overrun_count() const { return 0; }
  virtual double lost_s() const { return 0; }
  // True once after each time that the sound broke off: what comes next does not follow.
  virtual bool TakeBreak() { return false; }
};

// Each chunk when it would have been spoken; what comes late (a pipe) when it comes.
std::unique_ptr<LiveSource> PlayPaced(std::unique_ptr<Audio> audio, int sample_rate);
// As fast as it is asked for.
std::unique_ptr<LiveSource> PlayFast(std::unique_ptr<Audio> audio, int sample_rate);

// A microphone that is waited for when it goes away; `console` (which must outlive the source)
// hears of it. Errors: those of Microphone::Open.
Result<std::unique_ptr<LiveSource>> ListenTo(const std::string& device, int sample_rate,
                                             Console* console);

}  // namespace espalier::cli
