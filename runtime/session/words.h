// Tokens as the words of a text, and where those are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/session/engine.h"
#include "runtime/session/transcript.h"

namespace espalier {

// Half-open, into tokens.
struct WordSpan {
  int begin = 0;
  int end = 0;
};

// Whether a language writes blanks between words ("en": yes; "zh", "ja", "th", ...: no).
bool WritesBlanks(const std::string& language);

// Whether `text` ends a sentence: with . ? ! or their like, quotation marks behind them or not.
bool EndsSentence(const std::string& text);

// Immutable; borrows the engine, which must outlive it.
class WordSplitter {
 public:
  explicit WordSplitter(const Engine& engine) : engine_(&engine) {}

  // The text of `tokens`, valid UTF-8; the first word of Whisper's begins with a blank.
  std::string Text(std::span<const int> tokens) const;

  // Tokens grouped to words with the punctuation behind them. Languages that write no blanks have a
  // word wherever a character ends.
  std::vector<WordSpan> Words(std::span<const int> tokens, const std::string& language) const;

  // How many of the first `count` tokens are whole words, seen what comes after them.
  int WholeWords(std::span<const int> tokens, int count, const std::string& language) const;

 private:
  // Whether a word may begin at `position`.
  bool IsBoundary(std::span<const int> tokens, size_t position, bool blanks) const;

  const Engine* engine_;
};

// Of a token, in the audio.
struct TokenTime {
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
};

// Tokens that are known to be somewhere around at_ms (never falling): each reaches half way to its
// neighbours and to the ends, but not further than 0.3 s.
std::vector<TokenTime> TimesAround(std::span<const int64_t> at_ms, int64_t begin_ms,
                                   int64_t end_ms);

// One Word a span that is not blank. log_probs and times: one a token.
std::vector<Word> MakeWords(const WordSplitter& splitter, const std::string& language,
                            std::span<const int> tokens, std::span<const float> log_probs,
                            std::span<const TokenTime> times);

}  // namespace espalier
