#include "apps/cli/writers/plain_text.h"

#include <utf8proc.h>

#include <algorithm>

#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

// The code point at the start of `text` and its length in bytes; U+FFFD and 1 for a byte that
// begins none.
struct CodePoint {
  utf8proc_int32_t value;
  size_t size_bytes;
};

CodePoint First(std::string_view text) {
  utf8proc_int32_t value = -1;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const utf8proc_ssize_t size =
      utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &value);
  if (size <= 0) return {0xfffd, 1};
  return {value, static_cast<size_t>(size)};
}

bool IsBlankOrControl(utf8proc_int32_t c) {
  return c <= ' ' || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

}  // namespace

std::string SingleLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  bool blank = false;
  while (!text.empty()) {
    const CodePoint first = First(text);
    if (IsBlankOrControl(first.value)) {
      blank = true;
    } else {
      if (blank && !line.empty()) line += ' ';
      blank = false;
      if (first.value == 0xfffd) {
        line += "\xef\xbf\xbd";
      } else {
        line += text.substr(0, first.size_bytes);
      }
    }
    text.remove_prefix(first.size_bytes);
  }
  return line;
}

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const CodePoint first = First(text);
    width += utf8proc_charwidth(first.value);
    text.remove_prefix(first.size_bytes);
  }
  return width;
}

bool IsUnspacedScript(int32_t c) {
  return (c >= 0x3001 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0xff01 && c <= 0xff60) || (c >= 0x20000 && c <= 0x3ffff);
}

void AppendSpoken(std::string_view text, std::string* whole) {
  if (text.empty()) return;
  if (!whole->empty()) {
    size_t last = whole->size() - 1;
    while (last > 0 && (static_cast<unsigned char>((*whole)[last]) & 0xc0) == 0x80) --last;
    const bool unspaced = IsUnspacedScript(First(std::string_view(*whole).substr(last)).value) &&
                          IsUnspacedScript(First(text).value);
    if (!unspaced) *whole += ' ';
  }
  *whole += text;
}

std::string ClockTime(int64_t ms, char separator) {
  ms = std::max<int64_t>(ms, 0);
  return StrFormat("%02lld:%02d:%02d%c%03d", static_cast<long long>(ms / 3600000),
                   static_cast<int>(ms / 60000 % 60), static_cast<int>(ms / 1000 % 60), separator,
                   static_cast<int>(ms % 1000));
}

}  // namespace espalier::cli
