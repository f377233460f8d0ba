// A capture device through PortAudio.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/cli/client/resampler.h"
#include "apps/cli/live/sample_ring.h"
#include "runtime/base/status.h"

namespace espalier::cli {

struct CaptureDevice {
  int id = 0;  // PortAudio's index; may change when devices come and go
  std::string name;
  std::string host;  // "ALSA", "JACK", ...
  int channels = 0;
  double default_rate = 0;  // Hz
  bool is_default = false;
};

// Errors: kUnsupported (PortAudio cannot start).
Result<std::vector<CaptureDevice>> ListCaptureDevices();

// Mono samples at one rate from a device that may go away and come back. The callback writes to a
// lock-free ring; everything else happens on the caller's thread. One at a time.
class Microphone {
 public:
  // `device`: a name, a part of one, or an id; empty: the default. Errors: kInvalidArgument (no
  // such device), kDeviceLost (none at all), kUnsupported (PortAudio cannot start or open it).
  static Result<std::unique_ptr<Microphone>> Open(const std::string& device, int sample_rate);
  ~Microphone();
  Microphone(const Microphone&) = delete;
  Microphone& operator=(const Microphone&) = delete;

  // Samples that have come since the last call, never waits. Empty while there is no device.
  // Errors: kInternal (resampling).
  Result<std::vector<float>> Read();

  // Samples that wait behind those of the last Read, at the rate asked for.
  int64_t backlog_samples() const;
  // How often sound was lost, here or in the device's own buffer, and how much of it here.
  int64_t overrun_count() const;
  double lost_s() const;
  const std::string& name() const { return name_; }

  // False when nothing has come for a second: the device is gone. Reopen then tries to get the one
  // of the same name back, or the default one where none was asked for; an error of Open as long
  // as there is none.
  bool alive() const;
  Status Reopen();
  // Ends the capture; what has come can still be read.
  void Close();

 private:
  struct Stream;
  Microphone(std::string device, int sample_rate);
  Status OpenStream();

  std::string device_;  // as it was asked for; once it is open, its name: ids change
  const int sample_rate_;
  std::string name_;
  int capture_rate_ = 0;
  SampleRing ring_;
  std::atomic<int64_t> device_overruns_ = 0;
  std::unique_ptr<Resampler> resampler_;
  std::vector<float> captured_;  // at the device's rate
  std::unique_ptr<Stream> stream_;
};

}  // namespace espalier::cli
