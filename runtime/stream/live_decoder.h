// One window of a live session, from features to a greedy hypothesis whose tokens know where in the
// window they are.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/outcome.h"
#include "runtime/search/token_choices.h"
#include "runtime/session/context.h"
#include "runtime/session/inference.h"
#include "runtime/session/window_search.h"
#include "runtime/stream/live_vocabulary.h"

namespace espalier {

struct LiveToken {
  int id = 0;
  float log_prob = 0;
  int step = -1;  // encoder step of the window that it looked at; -1: not known
};

struct LiveHypothesis {
  std::vector<LiveToken> tokens = {};  // behind the forced prefix
  double no_speech_prob = 0;           // 0 where the model has none
  DecodeOutcome outcome = DecodeOutcome::kComplete;
};

struct LiveDecodeOptions {
  int token_limit = 0;  // most tokens behind the prefix
  int heard_step = 0;   // the furthest that the prefix looks at
  int stop_step = -1;   // stops behind the first token that looks at this step or a later one; -1:
                        // never
};

struct LiveDecoderOptions {
  // Silence that follows a window's audio before the encoder sees it; negative: up to the model's
  // whole window.
  int encoder_padding_ms = 0;
  bool restrict_vocabulary = false;  // as LiveOptions
};

// Silence behind a window's audio that suits the model, in ms; negative: up to its whole window.
int LivePaddingMs(const ModelConfig& config);

// One session; not thread-safe. Several may share an engine.
class LiveDecoder {
 public:
  // Errors: kUnsupported (encoder steps of less than 1 ms, in which all of live decoding counts);
  // those of LiveVocabulary.
  static Result<std::unique_ptr<LiveDecoder>> Create(std::shared_ptr<Engine> engine,
                                                     const LiveDecoderOptions& options);

  void set_stop(const std::stop_token& stop);

  // When a call failed: may the CPU do the window again (Engine::CpuMayGoOn)?
  bool CpuMayGoOn(const Status& failure) const { return computing_->CpuMayGoOn(failure); }
  // Everything from the next Embed on is computed on the CPU. Errors: those of Engine::OnCpu.
  Status MoveToCpu();

  // Features of a window as LogMel gives them, (frames, mels), at least one and at most
  // max_frames(). Errors: kCancelled, kDeviceLost.
  Status Embed(std::span<const float> frames);
  // The language heard, by its name; needs the embedded window. Errors: as Embed.
  Result<std::string> HearLanguage() { return espalier::HearLanguage(*computing_, *inference_); }
  // One look of the gate predictor at the embedded window.
  Result<GateMask> LookAtGates(const Context& context);
  // The context of the windows from the next Encode on, which says what tokens are scored where the
  // vocabulary is restricted; until the first one those of Latin are.
  void ExpectContext(const Context& context);
  Status Encode(const GateMask& gates) { return inference_->Encode(gates); }

  // `previous`: text before the window; `prefix`: what the window's text begins with, whatever is
  // heard. Errors: kCancelled, kDeviceLost, kInternal (scores that are no numbers).
  Result<LiveHypothesis> Decode(const Context& context, std::span<const int> previous,
                                std::span<const int> prefix, const LiveDecodeOptions& options);

  // What each of `tokens`, said of the encoded window, looks at by one (layer, head) of the
  // decoder: (tokens, content_steps()) weights. Errors: as Decode.
  Result<std::vector<float>> Attend(const Context& context, std::span<const int> tokens,
                                    const std::pair<int, int>& head);
  // (content_steps(), vocabulary) of the encoded window, valid until the next Encode. Errors:
  // kUnsupported (the model has no CTC), as Encode.
  Result<std::span<const float>> CtcLogProbs();
  // The steps of the content at which CTC hears a token, rising. Errors: as CtcLogProbs.
  Result<std::vector<int>> StepsHeard();

  const LiveVocabulary& vocabulary() const { return vocabulary_; }
  const Timings& timings() const { return inference_->timings(); }
  // Frames of the window that hold audio, as steps.
  int content_steps() const { return content_steps_; }
  int frames_per_step() const { return frames_per_step_; }
  int max_positions() const { return inference_->max_positions(); }
  int max_frames() const { return max_frames_; }
  bool aligns() const { return inference_->HasAlignment(); }

 private:
  LiveDecoder(std::shared_ptr<Engine> engine, LiveVocabulary vocabulary,
              const LiveDecoderOptions& options);
  Result<int> StepOf(int row);
  // Feeds the prompt; choices_ are then those behind it. Sets the hypothesis' no_speech_prob.
  Status Start(std::span<const int> prompt, int length, LiveHypothesis* hypothesis);
  // Feeds a token; `length`: of the text with it.
  Status Advance(int token, int length);
  // Adds the likeliest of the choices; false when it is the end.
  Result<bool> Extend(LiveHypothesis* hypothesis);

  std::shared_ptr<Engine> engine_;
  std::shared_ptr<Engine> computing_;  // engine_, or the same model on the CPU
  LiveVocabulary vocabulary_;
  std::unique_ptr<Inference> inference_;
  std::stop_token stop_;
  bool restricts_vocabulary_;
  int padding_frames_;  // < 0: the whole window
  int max_frames_;
  int fewest_frames_;  // of a window with its padding
  int frames_per_step_;
  int content_steps_ = 0;
  std::vector<float> window_;     // padded and normalised features
  std::vector<float> log_probs_;  // two rows
  std::vector<int32_t> allowed_;  // TokenBits
  TokenChoices choices_;          // one row
};

}  // namespace espalier
