// The printable characters by which byte-level BPE writes bytes in its files (GPT-2, encoder.py):
// printable Latin-1 bytes stand for themselves, the others for U+0100, U+0101, ... in their order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace espalier {

class ByteAlphabet {
 public:
  ByteAlphabet();

  // The character that stands for `byte`, as UTF-8.
  const std::string& CharacterOf(uint8_t byte) const { return characters_[byte]; }
  // The bytes that `token` (valid UTF-8) stands for, or nothing when a character of it is none of
  // the 256.
  std::optional<std::string> BytesOf(std::string_view token) const;

 private:
  std::array<std::string, 256> characters_;
  std::array<int, 512> bytes_;  // by code point; -1: stands for no byte
};

}  // namespace espalier
