// What offline decoding does for every model family: windows, language, gates, progress, timings. A
// family adds how one encoded window becomes segments.
#pragma once

#include <memory>
#include <optional>

#include "runtime/base/clock.h"
#include "runtime/session/context.h"
#include "runtime/session/inference.h"
#include "runtime/session/transcriber.h"
#include "runtime/session/window.h"

namespace espalier {

class WindowLoop : public Transcriber {
 public:
  explicit WindowLoop(std::shared_ptr<Engine> engine);

  Result<Transcript> Transcribe(AudioReader& audio, const TranscribeOptions& options,
                                const TranscribeObserver& observer,
                                const std::stop_token& stop) final;

 protected:
  // Checks the options that only the family understands and forgets the last file.
  virtual Status Begin(const TranscribeOptions& options) = 0;

  // Decodes the encoded window into `segments` (times from the start of the audio) and says how far
  // to go on, in samples (at least one). The search part of its time is taken from the difference
  // to the decoder's.
  virtual Result<int64_t> DecodeWindow(const AudioWindow& window, const TranscribeOptions& options,
                                       const std::stop_token& stop,
                                       std::vector<Segment>* segments) = 0;

  // Windows after the first one that are shorter than this are left out.
  virtual int64_t ShortestLaterWindow() const = 0;

  Engine& engine() { return *engine_; }
  Inference& inference() { return *inference_; }
  const Context& context() const { return *context_; }
  const OwsmConfig& owsm() const { return *engine_->config().owsm; }
  int sample_rate() const { return engine_->config().frontend.sample_rate; }
  int64_t Milliseconds(int64_t samples) const { return samples * 1000 / sample_rate(); }

 private:
  // RunWindow, and once more on the CPU when the device went away or has no memory: the window's
  // audio is still held, and what earlier windows said stays. Warns in `transcript`.
  Result<int64_t> RunWindowSomewhere(const AudioWindow& window, const TranscribeOptions& options,
                                     const std::stop_token& stop, std::vector<Segment>* segments,
                                     Transcript* transcript);
  Status MoveToCpu(const Status& reason, Transcript* transcript);
  // Encodes and decodes one window into `segments`; the samples to go on by.
  Result<int64_t> RunWindow(const AudioWindow& window, const TranscribeOptions& options,
                            const std::stop_token& stop, std::vector<Segment>* segments,
                            Transcript* transcript);
  // Embeds and encodes the window; on the first one chooses language and gates.
  Status EncodeWindow(const AudioWindow& window, const TranscribeOptions& options);
  // Segment::words of the window that was decoded, of which the next one begins `advance` samples
  // on; warns in `transcript` where nobody knows them.
  Status TimeWordsOf(const AudioWindow& window, int64_t advance, std::vector<Segment>* segments,
                     Transcript* transcript);
  Status ChooseContext(const TranscribeOptions& options);
  std::shared_ptr<const TokenSubset> TokensScored(const TranscribeOptions& options);
  void Report(const std::vector<Segment>& segments, const TranscribeObserver& observer,
              Transcript* transcript) const;
  void FillTimings(const Timings& before, double total_s, Timings* timings) const;

  std::shared_ptr<Engine> engine_;
  std::unique_ptr<Inference> inference_;
  std::optional<Context> context_;  // of the file at hand, once known
  std::optional<GateMask> gates_;   // likewise
  DeviceCounters device_before_;    // when the file began, or a new device took over
  DeviceCounters steps_before_;     // likewise, of Timings::device_steps
  double features_s_ = 0, search_s_ = 0;
};

std::unique_ptr<Transcriber> MakeOwsmTranscriber(std::shared_ptr<Engine> engine);
std::unique_ptr<Transcriber> MakeWhisperTranscriber(std::shared_ptr<Engine> engine);

}  // namespace espalier
