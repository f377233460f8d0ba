// Pieces of decoding one encoded window that several callers need.
#pragma once

#include <span>
#include <string>

#include "runtime/base/status.h"
#include "runtime/search/language_id.h"
#include "runtime/session/inference.h"

namespace espalier {

// The spoken language of the encoded window: one decoder step after the start token (spec §10).
// Ends whatever hypotheses `inference` held.
Result<LanguageGuess> DetectLanguage(Inference& inference, const ModelConfig& config,
                                     std::span<const int> language_ids);

// The same for the embedded window, as a name for ResolveContext; "en" for an English-only Whisper.
// Encodes it with the gates the user forced, else with every gate open: the predictor needs to know
// the language first.
Result<std::string> HearLanguage(const Engine& engine, Inference& inference);

}  // namespace espalier
