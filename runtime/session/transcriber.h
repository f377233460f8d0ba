// Offline decoding: audio of any length in, segments out, in bounded memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/audio/audio_reader.h"
#include "runtime/base/status.h"
#include "runtime/session/engine.h"
#include "runtime/session/transcript.h"

namespace espalier {

// Hypotheses that Whisper draws at a temperature above 0 (openai's best_of), where the engine's
// beam_size_max allows.
inline constexpr int kWhisperSampleCount = 5;

struct TranscribeOptions {
  std::string language = "auto";    // "auto", "en", "eng", "<eng>", "English"
  std::string task = "transcribe";  // "transcribe"/"asr", "translate", "st:deu"
  std::string initial_prompt;       // previous text for the first window
  bool carry_prompt = false;        // previous window's text is given to the next one
  bool timestamps = true;           // false: one segment a window, no time tokens
  bool word_times = false;          // Segment::words; costs one more run of the decoder a window
  int beam_size = 1;
  double ctc_weight = 0.0;  // OWSM without timestamps only
  double length_penalty = 0.0;
  double maxlen_ratio = 0.0;  // spec §10
  double minlen_ratio = 0.0;
  bool normalize_length = false;
  // Tokens that the scripts of the text's language cannot hold (text/scripts.h) are not scored,
  // from when the language is known on; nothing changes for a language whose scripts are not known.
  bool restrict_vocabulary = false;
  bool repetition_guard = true;  // OWSM: loops are cut off (search/repetition.h); ESPnet keeps them
  std::vector<double> temperatures = {0.0, 0.2, 0.4, 0.6, 0.8, 1.0};  // Whisper's fallback ladder
  double compression_ratio_threshold = 2.4;
  double log_prob_threshold = -1.0;
  double no_speech_threshold = 0.6;
  std::string end_time_threshold = "<29.00>";  // OWSM long form, spec §10
  int64_t offset_ms = 0;
  int64_t duration_ms = 0;  // 0: to the end
};

// Called from the transcribing thread.
struct TranscribeObserver {
  std::function<void(const Segment&)> on_segment;                  // as soon as it is final
  std::function<void(double done_s, double total_s)> on_progress;  // total 0: unknown
};

// One file after another; not thread-safe. Several may share an Engine.
class Transcriber {
 public:
  static Result<std::unique_ptr<Transcriber>> Create(std::shared_ptr<Engine> engine);
  virtual ~Transcriber() = default;

  // Errors: kInvalidArgument (an option this model has no use for), kUnsupported (a language or
  // task the model does not have), kCancelled, those of the reader. On an error segments already
  // given to the observer stay valid.
  virtual Result<Transcript> Transcribe(AudioReader& audio, const TranscribeOptions& options,
                                        const TranscribeObserver& observer,
                                        const std::stop_token& stop) = 0;
};

}  // namespace espalier
