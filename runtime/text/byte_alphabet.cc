#include "runtime/text/byte_alphabet.h"

#include "runtime/text/utf8.h"

namespace espalier {
namespace {

// Printable in Latin-1; the soft hyphen (0xAD) is not.
bool StandsForItself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
  bytes_.fill(-1);
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const unsigned code_point = StandsForItself(byte) ? byte : next++;
    AppendUtf8(code_point, &characters_[byte]);
    bytes_[code_point] = static_cast<int>(byte);
  }
}

std::optional<std::string> ByteAlphabet::BytesOf(std::string_view token) const {
  std::string bytes;
  while (!token.empty()) {
    const Utf8Unit unit = ReadUtf8(token);
    if (unit.code_point >= bytes_.size() || bytes_[unit.code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(bytes_[unit.code_point]);
    token.remove_prefix(unit.length);
  }
  return bytes;
}

}  // namespace espalier
