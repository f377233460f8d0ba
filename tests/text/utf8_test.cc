#include "runtime/text/utf8.h"

#include <gtest/gtest.h>

#include <random>

namespace espalier {
namespace {

using Kind = Utf8Unit::Kind;

constexpr char kR[] = "\xEF\xBF\xBD";  // U+FFFD

std::string Repaired(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += kR;
  return text;
}

TEST(Utf8Test, EveryScalarValueRoundTrips) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    AppendUtf8(c, &text);
    const Utf8Unit unit = ReadUtf8(text);
    ASSERT_EQ(unit.kind, Kind::kCharacter) << std::hex << static_cast<uint32_t>(c);
    ASSERT_EQ(unit.code_point, c);
    ASSERT_EQ(unit.length, text.size());
    // Each proper prefix waits for more, and nothing less than all of it does.
    for (size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(ReadUtf8(text.substr(0, cut)).kind, Kind::kIncomplete);
      ASSERT_EQ(IncompleteUtf8Tail("x" + text.substr(0, cut)), cut);
    }
    ASSERT_EQ(IncompleteUtf8Tail(text), 0u);
  }
}

TEST(Utf8Test, RefusesWhatTable37Refuses) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82", "\xE2(\xA1"}) {
    EXPECT_FALSE(IsValidUtf8(text)) << text;
    EXPECT_TRUE(IsValidUtf8(ReplaceInvalidUtf8(text))) << text;
  }
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8(std::string_view("a\0b", 3)));
}

// The examples of the Unicode Standard, section 3.9, tables 3-8 to 3-11.
TEST(Utf8Test, OneReplacementForEachMaximalSubpart) {
  EXPECT_EQ(ReplaceInvalidUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), Repaired(8) + "A");
  EXPECT_EQ(ReplaceInvalidUtf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), Repaired(8) + "A");
  EXPECT_EQ(ReplaceInvalidUtf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            Repaired(5) + "A" + Repaired(2) + "B");
  EXPECT_EQ(ReplaceInvalidUtf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), Repaired(4) + "A");
}

TEST(Utf8Test, OnlyWhatCanBecomeACharacterIsHeldBack) {
  EXPECT_EQ(IncompleteUtf8Tail(""), 0u);
  EXPECT_EQ(IncompleteUtf8Tail("abc"), 0u);
  EXPECT_EQ(IncompleteUtf8Tail("\xE2\x82"), 2u);
  EXPECT_EQ(IncompleteUtf8Tail("\xED\xA0"), 0u) << "a surrogate never becomes one";
  EXPECT_EQ(IncompleteUtf8Tail("\x80\x80"), 0u);
  EXPECT_EQ(IncompleteUtf8Tail("\xE2\x82\xF0"), 1u);
  EXPECT_EQ(IncompleteUtf8Tail("\xF0\x9F\x91"), 3u);
}

TEST(Utf8Test, RepairingPieceByPieceIsRepairingTheWhole) {
  std::mt19937 generator(3);
  const std::string_view bytes = "a\x80\xBF\xC3\xE0\xA0\xE2\x82\xED\xF0\x9F\x91\xF4\xFF";
  for (int round = 0; round < 20000; ++round) {
    std::string text, emitted, waiting;
    for (auto n = generator() % 12; n > 0; --n) text += bytes[generator() % bytes.size()];
    for (const char c : text) {
      waiting += c;
      const size_t ready = waiting.size() - IncompleteUtf8Tail(waiting);
      emitted += ReplaceInvalidUtf8(std::string_view(waiting).substr(0, ready));
      waiting.erase(0, ready);
    }
    ASSERT_EQ(emitted + ReplaceInvalidUtf8(waiting), ReplaceInvalidUtf8(text));
    ASSERT_EQ(IsValidUtf8(text), ReplaceInvalidUtf8(text) == text);
  }
}

}  // namespace
}  // namespace espalier
