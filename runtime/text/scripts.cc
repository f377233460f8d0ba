#include "runtime/text/scripts.h"

#include <algorithm>
#include <array>
#include <span>

#include "runtime/text/language.h"
#include "runtime/text/utf8.h"

namespace espalier {
namespace {

struct CodePoints {
  char32_t first = 0, last = 0;
};

struct Script {
  std::string_view name;
  std::string_view languages;         // codes of three letters, a space between them
  std::array<CodePoints, 10> ranges;  // those behind the last one are of U+0000 alone
};

constexpr Script kScripts[] = {
#define ESP_SCRIPT(name, languages, ...) {name, languages, {{__VA_ARGS__}}},
#include "runtime/text/script_table.inc"
#undef ESP_SCRIPT
};
constexpr size_t kLatin = 0;

constexpr int kMaxContinuation = 3;  // bytes of a character behind its first
// The first code point of so many continuation bytes.
constexpr char32_t kFirstOfLength[] = {0, 0x80, 0x800, 0x10000};

bool IsContinuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0u) == 0x80u; }

// The bits that continuation bytes hold.
char32_t BitsOf(std::string_view continuation) {
  char32_t bits = 0;
  for (const char byte : continuation) bits = bits << 6 | (static_cast<uint8_t>(byte) & 0x3Fu);
  return bits;
}

}  // namespace

Scripts::Scripts() { Add(kLatin); }

std::optional<Scripts> Scripts::Of(std::string_view language) {
  const std::optional<std::string> code = Iso639_3(language);
  if (!code) return std::nullopt;
  Scripts scripts;
  bool is_known = false;
  for (size_t i = 0; i < std::size(kScripts); ++i) {
    if (kScripts[i].languages.find(*code) == std::string_view::npos) continue;
    is_known = true;
    if (i != kLatin) scripts.Add(i);
  }
  return is_known ? std::optional(std::move(scripts)) : std::nullopt;
}

void Scripts::Add(size_t script) {
  if (!name_.empty()) name_ += '+';
  name_ += kScripts[script].name;
  for (const CodePoints& range : kScripts[script].ranges) {
    if (range.last > 0) ranges_.push_back({range.first, range.last});
  }
}

bool Scripts::AnyBetween(char32_t first, char32_t last) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    return range.first <= last && first <= range.last;
  });
}

bool Scripts::Contains(char32_t code_point) const { return AnyBetween(code_point, code_point); }

bool Scripts::HasContinuation(std::string_view bytes, int behind) const {
  const int length = static_cast<int>(bytes.size()) + behind;
  if (length > kMaxContinuation) return false;
  const char32_t bits = BitsOf(bytes);
  const char32_t mask = (char32_t{1} << 6 * bytes.size()) - 1;
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    const char32_t first = std::max(range.first, kFirstOfLength[length]);
    if (first > range.last) return false;
    // What is before the bytes behind: the next number from `low` on that ends with `bits`.
    const char32_t low = first >> 6 * behind, high = range.last >> 6 * behind;
    return low + ((bits - low) & mask) <= high;
  });
}

bool Scripts::MayHold(std::string_view bytes) const {
  const auto begun = static_cast<size_t>(
      std::find_if_not(bytes.begin(), bytes.end(), IsContinuation) - bytes.begin());
  if (begun > kMaxContinuation) return false;
  if (begun > 0) {
    // Of a token that is nothing else, more of the character may follow.
    const int most_behind = begun == bytes.size() ? kMaxContinuation : 0;
    bool found = false;
    for (int behind = 0; behind <= most_behind; ++behind) {
      found = found || HasContinuation(bytes.substr(0, begun), behind);
    }
    if (!found) return false;
    bytes.remove_prefix(begun);
  }
  while (!bytes.empty()) {
    const Utf8Unit unit = ReadUtf8(bytes);
    if (unit.kind == Utf8Unit::Kind::kInvalid) return false;
    if (unit.kind == Utf8Unit::Kind::kIncomplete) {
      const auto lead = static_cast<uint8_t>(bytes[0]);
      const int length = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;  // continuation bytes
      const int missing = length + 1 - static_cast<int>(unit.length);
      const char32_t known = (lead & (0x3Fu >> length)) << 6 * (unit.length - 1) |
                             BitsOf(bytes.substr(1, unit.length - 1));
      const char32_t first = known << 6 * missing;
      const char32_t last = first | ((char32_t{1} << 6 * missing) - 1);
      return AnyBetween(std::max(first, kFirstOfLength[length]), last);
    }
    if (!Contains(unit.code_point)) return false;
    bytes.remove_prefix(unit.length);
  }
  return true;
}

std::vector<int32_t> TokensIn(const Scripts& scripts, const Tokenizer& tokenizer,
                              int vocabulary_size) {
  std::vector<int32_t> ids;
  for (int id = 0; id < vocabulary_size; ++id) {
    if (tokenizer.IsSpecial(id) || scripts.MayHold(tokenizer.DecodeBytes(std::span(&id, 1)))) {
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace espalier
