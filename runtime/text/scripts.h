// What a language is written in, and which tokens a text in it can be made of.
//
// Goals: no text in a language's scripts becomes impossible, down to the bytes that byte-level
// tokens cut characters into. Non-goals: spelling (a Latin letter of one language counts for all),
// guessing the scripts of a language that the table does not have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace espalier {

// Latin and symbols, and what a language needs besides (script_table.inc). Immutable and
// thread-safe.
class Scripts {
 public:
  // Latin alone.
  Scripts();
  // Of a language by any name that Iso639_3 knows; nothing when the table does not have it.
  static std::optional<Scripts> Of(std::string_view language);

  // "Latin", "Latin+Cyrillic": the same for the same scripts.
  const std::string& name() const { return name_; }
  bool Contains(char32_t code_point) const;
  // Whether `bytes` can occur in UTF-8 text of these scripts; they may begin and end within a
  // character.
  bool MayHold(std::string_view bytes) const;

 private:
  struct Range {
    char32_t first, last;
  };
  void Add(size_t script);
  bool AnyBetween(char32_t first, char32_t last) const;
  // Whether a character has these bytes, all of them continuation bytes, with `behind` more of its
  // bytes behind them.
  bool HasContinuation(std::string_view bytes, int behind) const;

  std::string name_;
  std::vector<Range> ranges_;
};

// The ids below `vocabulary_size` that a text of `scripts` can be made of, rising: what the scripts
// may hold, every symbol, and ids without text.
std::vector<int32_t> TokensIn(const Scripts& scripts, const Tokenizer& tokenizer,
                              int vocabulary_size);

}  // namespace espalier
