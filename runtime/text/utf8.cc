#include "runtime/text/utf8.h"

#include <algorithm>
#include <cstdint>

namespace espalier {

Utf8Unit ReadUtf8(std::string_view bytes) {
  using Kind = Utf8Unit::Kind;
  const auto lead = static_cast<uint8_t>(bytes[0]);
  if (lead < 0x80) return {lead, 1, Kind::kCharacter};
  if (lead < 0xC2 || lead > 0xF4) return {kReplacementCharacter, 1, Kind::kInvalid};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range rules out overlong forms, surrogates and what is above U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code_point = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) return {kReplacementCharacter, i, Kind::kIncomplete};
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if (byte < low || byte > high) return {kReplacementCharacter, i, Kind::kInvalid};
    code_point = code_point << 6 | (byte & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {code_point, length, Kind::kCharacter};
}

bool IsValidUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const Utf8Unit unit = ReadUtf8(bytes);
    if (unit.kind != Utf8Unit::Kind::kCharacter) return false;
    bytes.remove_prefix(unit.length);
  }
  return true;
}

std::string ReplaceInvalidUtf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Utf8Unit unit = ReadUtf8(bytes);
    if (unit.kind == Utf8Unit::Kind::kCharacter) {
      text.append(bytes.substr(0, unit.length));
    } else {
      AppendUtf8(kReplacementCharacter, &text);
    }
    bytes.remove_prefix(unit.length);
  }
  return text;
}

size_t IncompleteUtf8Tail(std::string_view bytes) {
  for (size_t length = std::min<size_t>(3, bytes.size()); length > 0; --length) {
    const Utf8Unit unit = ReadUtf8(bytes.substr(bytes.size() - length));
    if (unit.kind == Utf8Unit::Kind::kIncomplete && unit.length == length) return length;
  }
  return 0;
}

void AppendUtf8(char32_t code_point, std::string* out) {
  const auto continuation = [code_point](int shift) {
    return static_cast<char>(0x80 | (code_point >> shift & 0x3F));
  };
  if (code_point < 0x80) {
    *out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    *out += static_cast<char>(0xC0 | code_point >> 6);
    *out += continuation(0);
  } else if (code_point < 0x10000) {
    *out += static_cast<char>(0xE0 | code_point >> 12);
    *out += continuation(6);
    *out += continuation(0);
  } else {
    *out += static_cast<char>(0xF0 | code_point >> 18);
    *out += continuation(12);
    *out += continuation(6);
    *out += continuation(0);
  }
}

}  // namespace espalier
