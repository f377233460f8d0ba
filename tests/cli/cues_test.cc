#include "apps/cli/writers/cues.h"

#include <gtest/gtest.h>

#include <random>

#include "apps/cli/writers/plain_text.h"

namespace espalier::cli {
namespace {

using Lines = std::vector<std::string>;

std::vector<Cue> Cues(const std::string& text, int width = 42, int count = 2) {
  Segment segment;
  segment.start_ms = 1000;
  segment.end_ms = 11000;
  segment.text = text;
  return SegmentCues(segment, {.max_line_width = width, .max_line_count = count});
}

std::vector<Lines> AllLines(const std::vector<Cue>& cues) {
  std::vector<Lines> lines;
  for (const Cue& cue : cues) lines.push_back(cue.lines);
  return lines;
}

TEST(CuesTest, ShortTextIsOneLine) {
  EXPECT_EQ(AllLines(Cues(" Hello there. ")), (std::vector<Lines>{{"Hello there."}}));
  EXPECT_TRUE(Cues("").empty());
  EXPECT_TRUE(Cues(" \n").empty());
}

TEST(CuesTest, TwoLinesAreBalancedAndCutAtTheComma) {
  EXPECT_EQ(
      AllLines(Cues("And so, my fellow Americans, ask not what your country can do")),
      (std::vector<Lines>{{"And so, my fellow Americans,", "ask not what your country can do"}}));
}

TEST(CuesTest, CuesHaveTheTimesOfTheirWords) {
  Segment segment{.start_ms = 1000, .end_ms = 11000, .text = " One two. Three four."};
  segment.words = {{"One", 1500, 1800, 1},
                   {"two.", 1900, 2000, 1},
                   {"Three", 7000, 7100, 1},
                   {"four.", 7200, 9000, 1}};
  const std::vector<Cue> two = SegmentCues(segment, {.max_line_width = 12, .max_line_count = 1});
  ASSERT_EQ(AllLines(two), (std::vector<Lines>{{"One two."}, {"Three four."}}));
  EXPECT_EQ(two[0].start_ms, 1500);
  EXPECT_EQ(two[0].end_ms, 2000);
  EXPECT_EQ(two[1].start_ms, 7000);
  EXPECT_EQ(two[1].end_ms, 9000);
  const std::vector<Cue> one = SegmentCues(segment, {.max_line_width = 0});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].start_ms, 1500);
  EXPECT_EQ(one[0].end_ms, 9000);
  segment.words.resize(1);  // the words say less than the text
  EXPECT_EQ(SegmentCues(segment, {.max_line_width = 0})[0].end_ms, 1800);
}

TEST(CuesTest, CuesEndWithSentencesWhereTheyCan) {
  const auto cues = Cues(
      "The first sentence is here. The second one, which is longer than the first, comes in a cue "
      "of its own.");
  EXPECT_EQ(AllLines(cues), (std::vector<Lines>{{"The first sentence is here."},
                                                {"The second one, which is longer than",
                                                 "the first, comes in a cue of its own."}}));
  EXPECT_EQ(cues[0].start_ms, 1000);
  EXPECT_EQ(cues[1].start_ms, cues[0].end_ms);
  EXPECT_EQ(cues[1].end_ms, 11000);
}

TEST(CuesTest, WordsAreNeverCut) {
  const std::string word(60, 'x');
  Lines lines;
  for (const Cue& cue : Cues("a " + word + " b")) {
    lines.insert(lines.end(), cue.lines.begin(), cue.lines.end());
  }
  EXPECT_EQ(lines, (Lines{"a", word, "b"}));
}

TEST(CuesTest, ZeroTurnsALimitOff) {
  const std::string text = "one two three four five six seven eight nine ten eleven twelve";
  EXPECT_EQ(AllLines(Cues(text, 0)), (std::vector<Lines>{{text}}));
  EXPECT_EQ(Cues(text, 10, 0).size(), 1u);
  EXPECT_GT(Cues(text, 10, 0)[0].lines.size(), 5u);
}

TEST(CuesTest, HanIsCutBetweenCharactersAndKeepsItsPunctuation) {
  const auto cues = Cues("今日はとても良い天気です、散歩に行きましょう。", 20, 2);
  std::string joined;
  for (const Cue& cue : cues) {
    for (const std::string& line : cue.lines) {
      EXPECT_LE(DisplayWidth(line), 20);
      EXPECT_FALSE(line.starts_with("、") || line.starts_with("。"));
      joined += line;
    }
  }
  EXPECT_EQ(joined, "今日はとても良い天気です、散歩に行きましょう。");
}

// Whatever the words are: nothing is lost, limits hold, times tile the segment.
TEST(CuesTest, PropertiesHoldForRandomText) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const int words = static_cast<int>(random() % 60) + 1;
    for (int i = 0; i < words; ++i) {
      text += std::string(random() % 12 + 1, static_cast<char>('a' + random() % 26));
      text += std::vector<std::string>{"", "", "", ",", ".", "?\""}[random() % 6];
      text += " ";
    }
    const int width = static_cast<int>(random() % 40) + 15,
              count = static_cast<int>(random() % 3) + 1;
    std::string joined;
    int64_t at = 1000;
    for (const Cue& cue : Cues(text, width, count)) {
      EXPECT_LE(cue.lines.size(), static_cast<size_t>(count));
      EXPECT_EQ(cue.start_ms, at);
      EXPECT_GE(cue.end_ms, cue.start_ms);
      at = cue.end_ms;
      for (const std::string& line : cue.lines) {
        EXPECT_LE(DisplayWidth(line), width);
        joined += line + " ";
      }
    }
    EXPECT_EQ(joined, text);
    EXPECT_EQ(at, 11000);
  }
}

TEST(PlainTextTest, WidthsAreThoseOfATerminal) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("é"), 1);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1);
  EXPECT_EQ(DisplayWidth("日本"), 4);
}

TEST(PlainTextTest, SingleLineKeepsTextOnly) {
  EXPECT_EQ(SingleLine("  a\r\n\tb \x7f"), "a b");
  EXPECT_EQ(SingleLine("\xc3"), "\xef\xbf\xbd");
  EXPECT_EQ(SingleLine("\xef\xbf\xbd"), "\xef\xbf\xbd");
}

TEST(PlainTextTest, ClockTimesGrowBeyondADay) {
  EXPECT_EQ(ClockTime(0, ','), "00:00:00,000");
  EXPECT_EQ(ClockTime(-5, ','), "00:00:00,000");
  EXPECT_EQ(ClockTime(359999999, '.'), "99:59:59.999");
  EXPECT_EQ(ClockTime(360000000, '.'), "100:00:00.000");
}

}  // namespace
}  // namespace espalier::cli
