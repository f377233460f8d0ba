// Offline decoding through the C interface.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "apps/cli/client/audio.h"
#include "apps/cli/client/model.h"
#include "apps/cli/client/transcript.h"
#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

// Called from the transcribing thread; either may be empty.
struct TranscribeObserver {
  std::function<void(const Segment&)> on_segment = {};                  // as soon as it is final
  std::function<void(double done_s, double total_s)> on_progress = {};  // total 0: unknown
};

// One recording after another; one thread.
class Transcriber {
 public:
  // Errors: those of esp_transcriber_open.
  static Result<std::unique_ptr<Transcriber>> Open(const Model& model);
  ~Transcriber() { esp_transcriber_close(transcriber_); }
  Transcriber(const Transcriber&) = delete;
  Transcriber& operator=(const Transcriber&) = delete;

  // Callbacks in `options` are not called. Errors: those of esp_transcribe.
  Result<Transcript> Transcribe(Audio& audio, esp_transcribe_options options,
                                const TranscribeObserver& observer, const std::stop_token& stop);

 private:
  explicit Transcriber(esp_transcriber* transcriber) : transcriber_(transcriber) {}
  Result<Transcript> Take() const;

  esp_transcriber* transcriber_;
};

}  // namespace espalier::cli
