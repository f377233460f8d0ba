#include "apps/cli/progress.h"

#include <gtest/gtest.h>

#include "apps/cli/writers/plain_text.h"

namespace espalier::cli {
namespace {

TEST(FormatProgressTest, SaysHowFarHowFastAndHowLong) {
  const std::string line = FormatProgress(
      {.name = "talk.wav", .index = 2, .count = 5, .done_s = 60, .total_s = 240, .elapsed_s = 6},
      80);
  EXPECT_EQ(line, "[2/5] talk.wav [######..................]  25%  RTF 0.10  ETA 0:18");
}

TEST(FormatProgressTest, StartsWithoutFigures) {
  EXPECT_EQ(FormatProgress({.name = "a.wav", .total_s = 10}, 60),
            "a.wav [........................]   0%");
}

TEST(FormatProgressTest, UnknownLengthHasNoShare) {
  EXPECT_EQ(FormatProgress({.name = "standard input", .done_s = 90, .elapsed_s = 9}, 80),
            "standard input  1:30 of audio  RTF 0.10");
}

TEST(FormatProgressTest, NeverFillsTheTerminal) {
  for (int columns = 1; columns < 140; ++columns) {
    for (const char* name : {"a.wav", "日本語の長い名前のファイル.wav",
                             "an endlessly long name of a recording.flac"}) {
      const std::string line = FormatProgress({.name = name,
                                               .index = 12,
                                               .count = 345,
                                               .done_s = 7200,
                                               .total_s = 10800,
                                               .elapsed_s = 3600},
                                              columns);
      EXPECT_LE(DisplayWidth(line), std::max(columns - 1, 1)) << columns;
    }
  }
}

}  // namespace
}  // namespace espalier::cli
