#include "runtime/session/owsm_text.h"

#include <algorithm>

namespace espalier {

OwsmTimeRules TimeRulesOf(const OwsmConfig& config) {
  return {.sos = config.sos_id,
          .eos = config.eos_id,
          .notimestamps = config.notimestamps_id,
          .first_time = config.first_time_id,
          .last_time = config.last_time_id};
}

Result<std::vector<int>> OwsmPrimer(const Engine& engine, const Context& context, bool timestamps,
                                    const std::optional<std::string>& previous_text) {
  const OwsmConfig& owsm = *engine.config().owsm;
  std::vector<int> primer;
  if (previous_text) {
    ESP_ASSIGN_OR_RETURN(const std::vector<int> previous,
                         engine.tokenizer().Encode(*previous_text));
    if (std::find(previous.begin(), previous.end(), owsm.na_id) == previous.end()) {
      primer.push_back(owsm.sop_id);
      primer.insert(primer.end(), previous.begin(), previous.end());
    }
  }
  primer.insert(primer.end(), {owsm.sos_id, context.language_id, context.task_id});
  if (!timestamps) primer.push_back(owsm.notimestamps_id);
  return primer;
}

std::string TextWithSymbols(const Engine& engine, std::span<const int> tokens) {
  return engine.tokenizer().Decode(tokens);
}

std::string PlainText(const Engine& engine, std::span<const int> tokens) {
  std::vector<int> plain;
  for (const int token : tokens) {
    if (!engine.tokenizer().IsSpecial(token)) plain.push_back(token);
  }
  return engine.tokenizer().Decode(plain);
}

std::vector<int> CtcGreedy(std::span<const float> log_probs, int vocabulary, int blank_id) {
  std::vector<int> tokens;
  int previous = -1;
  const auto width = static_cast<size_t>(vocabulary);
  for (size_t at = 0; at + width <= log_probs.size(); at += width) {
    const std::span<const float> step = log_probs.subspan(at, width);
    const auto best = static_cast<int>(std::max_element(step.begin(), step.end()) - step.begin());
    if (best != previous && best != blank_id) tokens.push_back(best);
    previous = best;
  }
  return tokens;
}

}  // namespace espalier
