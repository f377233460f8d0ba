// What a model family's decoder is asked and may say in a live session: text without time tokens.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/token_choices.h"
#include "runtime/search/whisper_rules.h"
#include "runtime/session/context.h"
#include "runtime/session/engine.h"
#include "runtime/session/words.h"

namespace espalier {

// Immutable; borrows the engine, which must outlive it.
class LiveVocabulary {
 public:
  // Errors: those of WhisperRules::Create.
  static Result<LiveVocabulary> Create(const Engine& engine);

  // What comes before the text: [previous text,] symbols of the context. `previous`: tokens; they
  // get less than half of the decoder. Errors: those of the tokenizer.
  Result<std::vector<int>> Prompt(const Context& context, std::span<const int> previous,
                                  int max_positions) const;

  int end_token() const { return groups_.end_token; }
  // The row of `prompt` after which the model says whether there is speech at all; -1: it does not.
  int NoSpeechRow(std::span<const int> prompt) const;
  int no_speech_token() const { return no_speech_token_; }

  // Makes `allowed` the set of the tokens that a text of `length` tokens may go on with, or end.
  void Allow(int length, TokenBits allowed) const;
  TokenGroups groups() const { return groups_; }

  // A rest was heard behind `tokens`: adds the comma that Whisper's texts have there, where it has
  // written no mark itself. It says that a phrase is over, and so what the next one begins with.
  void AppendRest(const std::string& language, std::vector<int>* tokens) const;

  std::string Text(std::span<const int> tokens) const { return splitter_.Text(tokens); }
  const WordSplitter& splitter() const { return splitter_; }

 private:
  explicit LiveVocabulary(const Engine& engine) : engine_(&engine), splitter_(engine) {}

  const Engine* engine_;
  WordSplitter splitter_;
  std::optional<WhisperRules> rules_;  // Whisper
  std::vector<int32_t> text_;          // TokenBits: what is text, and the end
  TokenGroups groups_;
  int no_speech_token_ = -1;
  int comma_token_ = -1;
};

}  // namespace espalier
