#include "runtime/text/gpt2_words.h"

#include <gtest/gtest.h>

#include "tests/text/expected_ids.h"

namespace espalier {
namespace {

std::vector<std::string> Words(std::string_view text) {
  const std::vector<std::string_view> words = SplitGpt2Words(text);
  return {words.begin(), words.end()};
}

using List = std::vector<std::string>;

// The lists are what Python's `regex` gives for the expression in gpt2_words.h.
TEST(Gpt2WordsTest, LettersNumbersAndOthersWithTheBlankBeforeThem) {
  EXPECT_EQ(Words("Hello world 42 !?x"), (List{"Hello", " world", " 42", " !?", "x"}));
  EXPECT_EQ(Words("abc123½x²"), (List{"abc", "123½", "x", "²"}));
  EXPECT_EQ(Words("e\u0301a"), (List{"e", "\u0301", "a"})) << "a combining mark is no letter";
  EXPECT_EQ(Words("日本 語。"), (List{"日本", " 語", "。"}));
  EXPECT_EQ(Words("\u200bx"), (List{"\u200b", "x"})) << "zero width space is no White_Space";
}

TEST(Gpt2WordsTest, Contractions) {
  EXPECT_EQ(Words("it's we'll I've you're I'm he'd don't"),
            (List{"it", "'s", " we", "'ll", " I", "'ve", " you", "'re", " I", "'m", " he", "'d",
                  " don", "'t"}));
  EXPECT_EQ(Words("'S 's''s'sx"), (List{"'", "S", " '", "s", "''", "s", "'s", "x"}));
}

TEST(Gpt2WordsTest, RunsOfSpacesLeaveTheLastOneToTheWord) {
  EXPECT_EQ(Words("a   b"), (List{"a", "  ", " b"}));
  EXPECT_EQ(Words("a  \n"), (List{"a", "  \n"}));
  EXPECT_EQ(Words("\n\nb"), (List{"\n", "\n", "b"}));
  EXPECT_EQ(Words("\nb"), (List{"\n", "b"}));
  EXPECT_EQ(Words(" \u00a0b"), (List{" ", "\u00a0", "b"}));
  EXPECT_EQ(Words("\u3000\u3000\u3000b"), (List{"\u3000\u3000", "\u3000", "b"}));
  EXPECT_EQ(Words("\u0085\u2028 "), (List{"\u0085\u2028 "}));
  EXPECT_EQ(Words(" "), (List{" "}));
  EXPECT_EQ(Words(""), (List{}));
}

TEST(Gpt2WordsTest, NothingIsLost) {
  std::mt19937 generator(2);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = RandomText(generator, 30);
    std::string joined;
    for (const std::string& word : Words(text)) {
      EXPECT_FALSE(word.empty());
      joined += word;
    }
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace espalier
