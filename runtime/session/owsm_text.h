// OWSM's hypotheses as text, and the primers they start from (spec §8, §10).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/time_filter.h"
#include "runtime/session/context.h"

namespace espalier {

OwsmTimeRules TimeRulesOf(const OwsmConfig& config);

// [sos, lang, task] + [notimestamps] without times; [sop, previous text …] before it when there is
// one that is not "<na>". Errors: those of the tokenizer.
Result<std::vector<int>> OwsmPrimer(const Engine& engine, const Context& context, bool timestamps,
                                    const std::optional<std::string>& previous_text);

// Text of tokens, symbols such as <eng> written out; without them for `Plain`.
std::string TextWithSymbols(const Engine& engine, std::span<const int> tokens);
std::string PlainText(const Engine& engine, std::span<const int> tokens);

// CTC greedy decoding: argmax of each step, repeats merged, blanks dropped (spec §6).
std::vector<int> CtcGreedy(std::span<const float> log_probs, int vocabulary, int blank_id);

}  // namespace espalier
