#include "apps/cli/live/word_errors.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>

namespace espalier::cli {
namespace {

// Compatibility forms, lower case, no marks.
std::string Folded(std::string_view text) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE |
                                                      UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK);
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) return std::string(text);
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(size)};
}

bool IsWordCharacter(utf8proc_int32_t code_point) {
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<std::string> PlainWords(std::string_view text) {
  const std::string folded = Folded(text);
  std::vector<std::string> words;
  bool inside = false;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(folded.data());
  for (size_t at = 0; at < folded.size();) {
    utf8proc_int32_t code_point = 0;
    const utf8proc_ssize_t size = utf8proc_iterate(
        bytes + at, static_cast<utf8proc_ssize_t>(folded.size() - at), &code_point);
    const size_t length = size > 0 ? static_cast<size_t>(size) : 1;
    // "don't" is one word, however its apostrophe is written.
    const bool apostrophe = size > 0 && (code_point == '\'' || code_point == 0x2019);
    if (size > 0 && IsWordCharacter(code_point)) {
      if (!inside) words.emplace_back();
      inside = true;
      words.back().append(folded, at, length);
    } else if (!apostrophe) {
      inside = false;
    }
    at += length;
  }
  return words;
}

WordErrors CompareWords(const std::vector<std::string>& reference,
                        const std::vector<std::string>& heard) {
  std::vector<int> row(heard.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (const std::string& word : reference) {
    int diagonal = row[0]++;
    for (size_t i = 0; i < heard.size(); ++i) {
      const int replaced = diagonal + (heard[i] == word ? 0 : 1);
      diagonal = row[i + 1];
      row[i + 1] = std::min({replaced, row[i] + 1, row[i + 1] + 1});
    }
  }
  return {.errors = row.back(), .reference_words = static_cast<int>(reference.size())};
}

}  // namespace espalier::cli
