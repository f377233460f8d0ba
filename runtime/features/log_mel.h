// Samples to log-mel frames, for OWSM (spec §3) and Whisper.
//
// Goals: the same frames, bit for bit, however the samples are cut into chunks; within 1e-4 of a
// double-precision computation also where a band is quiet (hence FFT and sums in double).
// Non-goals: padding a window to the model's length, mean and variance (the model's business),
// reading audio, resampling.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/features/mel_filterbank.h"

namespace espalier {

enum class LogMelScale {
  kNaturalLog,  // ln(max(mel, kMelFloor)), OWSM
  kLog10,       // log10(max(mel, kMelFloor)), Whisper before NormalizeWhisperWindow
};

struct LogMelConfig {
  int sample_rate = 16000;  // Hz
  int n_fft = 512;          // samples, even, at most 16384
  int win_length = 400;     // samples, at most n_fft; periodic Hann centred in n_fft
  int hop_length = 160;     // samples, less than n_fft / 2
  int mel_count = 80;       // at most 1024
  LogMelScale scale = LogMelScale::kNaturalLog;
};

// What the frames of one configuration share: window, filterbank, Fourier twiddles. Immutable, used
// by any number of threads and streams at once.
//
// A frame is the log of filterbank-weighted power |STFT|² (no normalisation) of n_fft samples
// centred on sample frame_index * hop_length. Outside of the signal stands its mirror image without
// the edge sample (centre mode with reflect padding). A signal shorter than n_fft / 2 + 1 samples
// has no complete mirror image: it is first lengthened with zeros to that.
class LogMel {
 public:
  // filterbank: (n_fft / 2 + 1, mel_count), row-major: the checkpoint's, or SlaneyMelFilterbank.
  // Errors: kInvalidArgument when a number is out of its range, the filterbank has another size or
  // a value that is not finite.
  static Result<std::unique_ptr<LogMel>> Create(const LogMelConfig& config,
                                                std::vector<float> filterbank);
  ~LogMel();
  LogMel(const LogMel&) = delete;
  LogMel& operator=(const LogMel&) = delete;

  // Frames of a whole signal, (FrameCount(samples.size()), mel_count), row-major. Samples that are
  // not finite spoil the frames that they touch, nothing else. Whisper's own code drops the last
  // frame: 480000 samples give 3001 here, of which it uses 3000.
  std::vector<float> Compute(std::span<const float> samples) const;

  // sample_count / hop_length + 1, also for no samples at all.
  int64_t FrameCount(int64_t sample_count) const;

  const LogMelConfig& config() const { return config_; }

 private:
  friend class StreamingLogMel;
  struct Tables;
  LogMel(const LogMelConfig& config, std::unique_ptr<const Tables> tables);

  LogMelConfig config_;
  std::unique_ptr<const Tables> tables_;
};

// The same computation for samples that come bit by bit. Keeps fewer than n_fft + hop_length
// samples between calls. One thread at a time.
class StreamingLogMel {
 public:
  // Borrows `log_mel`, which must outlive the stream.
  explicit StreamingLogMel(const LogMel& log_mel);
  ~StreamingLogMel();
  StreamingLogMel(const StreamingLogMel&) = delete;
  StreamingLogMel& operator=(const StreamingLogMel&) = delete;

  // Takes any number of samples and appends to `frames`, (n, mel_count) row-major, every frame that
  // further samples can no longer change. Not after Finish.
  void Push(std::span<const float> samples, std::vector<float>* frames);

  // Ends the signal and appends its last frames; with those of Push they are
  // FrameCount(all samples). Once per stream.
  void Finish(std::vector<float>* frames);

 private:
  struct Scratch;

  void MirrorStart();
  void EmitFrames(int64_t frame_limit, std::vector<float>* frames);

  const LogMel& log_mel_;
  std::unique_ptr<Scratch> scratch_;
  std::vector<float> pending_;  // mirrored signal from the start of the next frame on
  bool start_mirrored_ = false;
  int64_t sample_count_ = 0;  // pushed
  int64_t frame_count_ = 0;   // emitted
};

// Whisper's dynamic range, for the log10 frames of one whole window, in place: everything more than
// 8 below the window's maximum is raised to that, then (x + 4) / 4. Source: whisper/audio.py.
void NormalizeWhisperWindow(std::span<float> frames);

}  // namespace espalier
