#include "runtime/text/gpt2_words.h"

#include <utf8proc.h>

#include "runtime/text/utf8.h"

namespace espalier {
namespace {

enum class CharacterClass { kLetter, kNumber, kSpace, kOther };

// White_Space: the separators, and six control characters.
bool IsSpaceControl(char32_t c) { return (c >= 0x09 && c <= 0x0D) || c == 0x85; }

CharacterClass ClassOf(char32_t code_point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharacterClass::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharacterClass::kNumber;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return CharacterClass::kSpace;
    default:
      return IsSpaceControl(code_point) ? CharacterClass::kSpace : CharacterClass::kOther;
  }
}

struct Run {
  size_t length = 0;       // bytes of all characters of one class
  size_t last_length = 0;  // bytes of the last of them
};

Run RunOf(CharacterClass wanted, std::string_view text) {
  Run run;
  while (run.length < text.size()) {
    const Utf8Unit unit = ReadUtf8(text.substr(run.length));
    if (ClassOf(unit.code_point) != wanted) break;
    run.length += unit.length;
    run.last_length = unit.length;
  }
  return run;
}

size_t ContractionLength(std::string_view text) {
  for (const std::string_view contraction : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.starts_with(contraction)) return contraction.size();
  }
  return 0;
}

size_t WordLength(std::string_view text) {
  if (const size_t contraction = ContractionLength(text); contraction > 0) return contraction;
  const size_t blank = text[0] == ' ' ? 1 : 0;
  if (blank < text.size()) {
    const CharacterClass kind = ClassOf(ReadUtf8(text.substr(blank)).code_point);
    if (kind != CharacterClass::kSpace) return blank + RunOf(kind, text.substr(blank)).length;
  }
  // \s+(?!\S) gives its last space back when a word follows, unless it is the only one.
  const Run spaces = RunOf(CharacterClass::kSpace, text);
  const bool word_follows = spaces.length < text.size();
  const bool only_one = spaces.length == spaces.last_length;
  return word_follows && !only_one ? spaces.length - spaces.last_length : spaces.length;
}

}  // namespace

std::vector<std::string_view> SplitGpt2Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t length = WordLength(text);
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

}  // namespace espalier
