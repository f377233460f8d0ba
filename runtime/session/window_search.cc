#include "runtime/session/window_search.h"

#include <array>
#include <vector>

#include "runtime/session/context.h"

namespace espalier {

Result<LanguageGuess> DetectLanguage(Inference& inference, const ModelConfig& config,
                                     std::span<const int> language_ids) {
  const int start =
      config.family == ModelFamily::kOwsm ? config.owsm->sos_id : config.whisper->sot_id;
  std::vector<float> log_probs(static_cast<size_t>(inference.vocabulary_size()));
  ESP_RETURN_IF_ERROR(inference.Start(std::array{start}, std::array{0}, log_probs));
  return IdentifyLanguage(log_probs, language_ids);
}

Result<std::string> HearLanguage(const Engine& engine, Inference& inference) {
  const LanguageTokens languages = LanguagesOf(engine);
  if (languages.ids.empty()) return std::string("en");
  ESP_RETURN_IF_ERROR(inference.Encode(engine.forced_gates().value_or(AllOpen(engine.config()))));
  ESP_ASSIGN_OR_RETURN(const LanguageGuess guess,
                       DetectLanguage(inference, engine.config(), languages.ids));
  return languages.names[static_cast<size_t>(guess.index)];
}

}  // namespace espalier
