#include "runtime/text/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>

namespace espalier {
namespace {

TEST(ByteAlphabetTest, EveryByteHasItsOwnCharacter) {
  const ByteAlphabet alphabet;
  std::set<std::string> seen;
  std::string all;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string& character = alphabet.CharacterOf(static_cast<uint8_t>(byte));
    EXPECT_TRUE(seen.insert(character).second);
    EXPECT_EQ(alphabet.BytesOf(character), std::string(1, static_cast<char>(byte)));
    all += character;
  }
  EXPECT_EQ(alphabet.BytesOf(all)->size(), 256u);
}

TEST(ByteAlphabetTest, KnownCharacters) {
  const ByteAlphabet alphabet;
  EXPECT_EQ(alphabet.CharacterOf(0), "Ā");
  EXPECT_EQ(alphabet.CharacterOf(' '), "Ġ");
  EXPECT_EQ(alphabet.CharacterOf('\n'), "Ċ");
  EXPECT_EQ(alphabet.CharacterOf('a'), "a");
  EXPECT_EQ(alphabet.CharacterOf(0xAD), "Ń") << "the last of those that are not printable";
  EXPECT_EQ(alphabet.CharacterOf(0xFF), "ÿ");
  EXPECT_EQ(alphabet.BytesOf("ĠÃ©"), " \u00e9");
  for (const char* other : {" ", "a b", "字", "\u0144", "\U0001F44D"}) {
    EXPECT_EQ(alphabet.BytesOf(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace espalier
