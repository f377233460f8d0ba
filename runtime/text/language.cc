#include "runtime/text/language.h"

#include <algorithm>

namespace espalier {
namespace {

struct Language {
  std::string_view code3;
  std::string_view code1;  // empty: there is none
  std::string_view names;  // separated by '|'
};

constexpr Language kLanguages[] = {
#define ESP_LANGUAGE(code3, code1, names) {code3, code1, names},
#include "runtime/text/language_table.inc"
#undef ESP_LANGUAGE
};

// Replaced in ISO 639-1; Whisper's Javanese still is "jw".
struct Withdrawn {
  std::string_view code;
  std::string_view code3;
};
constexpr Withdrawn kWithdrawn[] = {
    {"in", "ind"}, {"iw", "heb"}, {"ji", "yid"}, {"jw", "jav"}, {"mo", "ron"}};

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

bool HasName(const Language& language, std::string_view name) {
  for (std::string_view rest = language.names;;) {
    const size_t end = rest.find('|');
    if (SameIgnoringCase(rest.substr(0, end), name)) return true;
    if (end == std::string_view::npos) return false;
    rest.remove_prefix(end + 1);
  }
}

const Language* FindLanguage(std::string_view name) {
  if (name.empty()) return nullptr;  // would equal the code that a language has not
  for (const Withdrawn& old : kWithdrawn) {
    if (SameIgnoringCase(name, old.code)) return FindLanguage(old.code3);
  }
  for (const Language& language : kLanguages) {
    if (SameIgnoringCase(name, language.code3) || SameIgnoringCase(name, language.code1) ||
        HasName(language, name)) {
      return &language;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<std::string> Iso639_3(std::string_view name) {
  const Language* language = FindLanguage(name);
  if (language == nullptr) return std::nullopt;
  return std::string(language->code3);
}

std::optional<std::string> Iso639_1(std::string_view name) {
  const Language* language = FindLanguage(name);
  if (language == nullptr) return std::nullopt;
  return std::string(language->code1.empty() ? language->code3 : language->code1);
}

}  // namespace espalier
