#include "runtime/stream/live_vocabulary.h"

#include <algorithm>
#include <cctype>

#include "runtime/model/stages.h"
#include "runtime/search/token_set.h"
#include "runtime/search/whisper_search.h"
#include "runtime/session/owsm_text.h"
#include "runtime/session/whisper_tokens.h"

namespace espalier {
Result<LiveVocabulary> LiveVocabulary::Create(const Engine& engine) {
  LiveVocabulary vocabulary(engine);
  const ModelConfig& config = engine.config();
  const TokenSplit split = TokenSplitOf(config);
  vocabulary.groups_ = {split.times_begin, split.times_end, split.end_token};
  vocabulary.text_.assign(TokenWordCount(config.vocabulary_size), -1);
  if (config.family == ModelFamily::kWhisper) {
    ESP_ASSIGN_OR_RETURN(vocabulary.rules_,
                         WhisperRules::Create(WhisperTokenIdsOf(*config.whisper),
                                              config.vocabulary_size, /*timestamps=*/false));
    ESP_ASSIGN_OR_RETURN(const std::vector<int> comma, engine.tokenizer().Encode(","));
    if (comma.size() == 1) vocabulary.comma_token_ = comma[0];
    vocabulary.no_speech_token_ = config.whisper->no_speech_id;
    // Without time tokens the rules let times and languages pass: symbols are no text.
    Erase(vocabulary.text_, config.whisper->eot_id + 1, config.vocabulary_size);
    return vocabulary;
  }
  for (int id = 0; id < config.vocabulary_size; ++id) {
    const bool symbol = engine.tokenizer().IsSpecial(id) || id == config.owsm->blank_id;
    if (symbol && id != config.owsm->eos_id) Erase(vocabulary.text_, id);
  }
  return vocabulary;
}

Result<std::vector<int>> LiveVocabulary::Prompt(const Context& context,
                                                std::span<const int> previous,
                                                int max_positions) const {
  if (rules_) {
    return BuildWhisperPrompt(rules_->ids(),
                              {.previous = previous,
                               .language = context.language_id,
                               .task = context.task_id,
                               .timestamps = false},
                              max_positions);
  }
  std::optional<std::string> text;
  const auto room = static_cast<size_t>(max_positions / 2);
  if (!previous.empty()) {
    text = PlainText(*engine_, previous.last(std::min(previous.size(), room)));
  }
  return OwsmPrimer(*engine_, context, /*timestamps=*/false, text);
}

int LiveVocabulary::NoSpeechRow(std::span<const int> prompt) const {
  if (!rules_) return -1;
  const auto sot = std::find(prompt.begin(), prompt.end(), rules_->ids().sot);
  return sot == prompt.end() ? -1 : static_cast<int>(sot - prompt.begin());
}

void LiveVocabulary::Allow(int length, TokenBits allowed) const {
  if (!rules_) {
    std::copy(text_.begin(), text_.end(), allowed.begin());
    return;
  }
  WhisperRuleState state;
  state.length = length;
  rules_->Allow(state, allowed);
  for (size_t i = 0; i < text_.size(); ++i) allowed[i] &= text_[i];
}

void LiveVocabulary::AppendRest(const std::string& language, std::vector<int>* tokens) const {
  if (comma_token_ < 0 || !WritesBlanks(language)) return;
  const std::string text = Text(*tokens);
  const bool marked = text.empty() || EndsSentence(text) ||
                      std::ispunct(static_cast<unsigned char>(text.back())) != 0;
  if (!marked) tokens->push_back(comma_token_);
}

}  // namespace espalier
