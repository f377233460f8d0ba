// Pieces of decoding one encoded window that several callers need.
#pragma once

#include <span>
#include <string>

#include "runtime/base/status.h"
#include "runtime/search/ctc_prefix_scorer.h"
#include "runtime/search/language_id.h"
#include "runtime/session/inference.h"

namespace espalier {

// A CTC scorer over the encoded window of `inference`, which must outlive it. Errors: kUnsupported
// (the model has no CTC), those of CtcPrefixScorer.
Result<CtcPrefixScorer> MakeCtcScorer(Inference& inference, const OwsmConfig& owsm, int beam_size);

// The spoken language of the encoded window: one decoder step after the start token (spec §10).
// Ends whatever hypotheses `inference` held.
Result<LanguageGuess> DetectLanguage(Inference& inference, const ModelConfig& config,
                                     std::span<const int> language_ids);

// The same for the embedded window, as a name for ResolveContext; "en" for an English-only Whisper.
// Encodes it with the gates the user forced, else with every gate open: the predictor needs to know
// the language first.
Result<std::string> HearLanguage(const Engine& engine, Inference& inference);

}  // namespace espalier
