// Where in a decoded window each word was said.
//
// By CTC where the model has it and the text is in the language that was spoken, else by what the
// decoder's alignment heads look at when it is fed its own text once more. Non-goals: live
// sessions, whose words have their times from the decoding itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/session/context.h"
#include "runtime/session/inference.h"
#include "runtime/session/transcript.h"

namespace espalier {

// Of the audio that the text is of, from the start of the recording: without the padding behind it,
// and without what the next window says again.
struct SpokenAudio {
  int64_t begin_ms = 0;
  std::span<const float> samples = {};  // at the model's rate
};

// Fills Segment::words of the window that `inference` encoded last, which was made with
// InferenceOptions::alignment. segments: all of the window, with tokens and log_probs. Words lie
// within the audio, in order, and leave out the quiet at their edges. False when nobody knows: the
// gates closed every source attention, or the text leaves no room in the decoder. Errors: those of
// the decoder.
Result<bool> TimeWords(Inference& inference, const Context& context, const SpokenAudio& audio,
                       std::span<Segment> segments);

}  // namespace espalier
