// Spoken language identification: the decoder's first step, read at the language tokens only.
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"

namespace espalier {

struct LanguageGuess {
  int index = 0;                     // into the ids that were asked about
  std::vector<float> probabilities;  // of each of them; they sum to 1
};

// log_probs: (vocabulary) f32, what the decoder says after [sos] (OWSM, spec §10) or
// [<|startoftranscript|>] (openai-whisper decoding.py, detect_language). The first of equal
// languages wins. Errors: kInvalidArgument (no languages, an id outside the vocabulary), kInternal
// (no language has a finite log-probability).
Result<LanguageGuess> IdentifyLanguage(std::span<const float> log_probs,
                                       std::span<const int> language_ids);

}  // namespace espalier
