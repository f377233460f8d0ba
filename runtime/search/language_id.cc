#include "runtime/search/language_id.h"

#include <cmath>

#include "runtime/base/string_format.h"
#include "runtime/search/log_math.h"

namespace espalier {

Result<LanguageGuess> IdentifyLanguage(std::span<const float> log_probs,
                                       std::span<const int> language_ids) {
  if (language_ids.empty()) return InvalidArgument("language identification: no languages given");
  LanguageGuess guess;
  guess.probabilities.reserve(language_ids.size());
  for (const int id : language_ids) {
    if (id < 0 || static_cast<size_t>(id) >= log_probs.size()) {
      return InvalidArgument(StrFormat("language id %d: expected one below the vocabulary's %zu",
                                       id, log_probs.size()));
    }
    guess.probabilities.push_back(log_probs[static_cast<size_t>(id)]);
  }
  const float sum = LogSumExp(guess.probabilities);
  if (!std::isfinite(sum)) {
    return Internal("language identification: the decoder gave no finite log-probability");
  }
  float best = -1.0f;
  for (size_t i = 0; i < guess.probabilities.size(); ++i) {
    const float probability = std::exp(guess.probabilities[i] - sum);
    guess.probabilities[i] = probability;
    if (probability > best) {
      best = probability;
      guess.index = static_cast<int>(i);
    }
  }
  return guess;
}

}  // namespace espalier
