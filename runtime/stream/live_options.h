// How a live session listens and decodes.
#pragma once

#include <optional>
#include <string>

#include "runtime/stream/endpointer.h"

namespace espalier {

enum class LivePolicy { kAlignAtt, kLocalAgreement };

struct LiveOptions {
  std::string language = "auto";    // as TranscribeOptions
  std::string task = "transcribe";  // likewise
  std::string initial_prompt = {};  // text before the first utterance: names, style
  bool carry_text = true;           // what was before an utterance helps to decode it; never with a
                                    // model that knows single utterances (OWSM of true lengths)

  bool restrict_vocabulary = false;  // as TranscribeOptions

  bool detect_speech = true;  // false: everything is one utterance after another, cut by length
  int strictness = 2;         // of the voice detector, 0 to 3
  SilenceRules silence = {};
  int heartbeat_ms = 1000;  // between silence events

  LivePolicy policy = LivePolicy::kAlignAtt;
  int guard_ms = 400;          // AlignAtt: words in the last guard_ms of audio are not certain
  int first_update_ms = 1000;  // audio before an utterance is decoded for the first time
  int update_ms = 500;  // audio between updates; long windows wait for a tenth of their length
  int longest_window_ms =
      24000;  // longer utterances are cut, at a sentence or pause if there is one
  // Silence that the encoder is given behind a window; negative: up to the model's whole window.
  // Nothing: what suits the model (its configuration's or gate pack's true length; else Whisper
  // reads short windows with some silence behind them, and others get their whole window).
  std::optional<int> encoder_padding_ms = {};
};

}  // namespace espalier
