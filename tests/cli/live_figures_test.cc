// The figures of bench live, and live events as JSON lines.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apps/cli/live/delay_log.h"
#include "apps/cli/live/event_json.h"
#include "apps/cli/live/live_switches.h"
#include "apps/cli/live/live_view.h"
#include "apps/cli/live/simul_lines.h"
#include "apps/cli/live/word_errors.h"
#include "apps/cli/writers/plain_text.h"

namespace espalier::cli {
namespace {

using Words = std::vector<std::string>;

TEST(WordErrorsTest, WordsAreComparedWithoutCaseMarksAndPunctuation) {
  EXPECT_EQ(PlainWords("Où est l\u2019ÉTÉ?  Don't -- 3.5!"),
            (Words{"ou", "est", "lete", "dont", "3", "5"}));
  EXPECT_TRUE(PlainWords(" ... ").empty());
}

TEST(WordErrorsTest, TheCheapestAlignmentCounts) {
  EXPECT_EQ(CompareWords({"a", "b", "c"}, {"a", "b", "c"}).errors, 0);
  EXPECT_EQ(CompareWords({"a", "b", "c"}, {"a", "x", "c", "d"}).errors, 2);
  EXPECT_EQ(CompareWords({"a", "b", "c"}, {"c"}).errors, 2);
  EXPECT_EQ(CompareWords({}, {"a"}).errors, 1);
  EXPECT_DOUBLE_EQ(CompareWords({"a", "b"}, {"a"}).rate(), 0.5);
}

LiveEvent Text(LiveEventType type, int64_t input_ms, const std::string& committed,
               const std::vector<int64_t>& ends_ms) {
  LiveEvent event;
  event.type = type;
  event.utterance_id = 1;
  event.committed = committed;
  event.input_ms = input_ms;
  for (const int64_t end_ms : ends_ms) event.words.push_back({.text = "w", .t1_ms = end_ms});
  return event;
}

// A word counts when it is committed first, and its end is where it was heard in the end.
TEST(DelayLogTest, BothClocks) {
  DelayLog log;
  log.Add(Text(LiveEventType::kPartial, 1500, "w", {900}), 1.7);
  log.Add(Text(LiveEventType::kPartial, 2000, "w", {900}), 2.2);
  LiveEvent end;
  end.type = LiveEventType::kSpeechEnd;
  end.utterance_id = 1;
  end.t1_ms = 2400;
  log.Add(end, 2.7);
  log.Add(Text(LiveEventType::kFinal, 2500, "w w", {1000, 2000}), 2.8);
  EXPECT_EQ(log.text(), "w w");
  EXPECT_NEAR(log.aware().mean, (0.7 + 0.8) / 2, 1e-9);
  EXPECT_NEAR(log.unaware().mean, 0.5, 1e-9);
  EXPECT_NEAR(log.finals().p95, 0.4, 1e-9);
  EXPECT_EQ(log.utterance_count(), 1);
  EXPECT_EQ(log.broken_commits(), 0);
}

TEST(DelayLogTest, CommittedTextThatChangesIsSeen) {
  DelayLog log;
  log.Add(Text(LiveEventType::kPartial, 1000, "one", {900}), 1);
  log.Add(Text(LiveEventType::kFinal, 1100, "won", {900}), 1.1);
  EXPECT_EQ(log.broken_commits(), 1);
}

TEST(DelayLogTest, LagIsKeptSecondBySecondOverAllSessions) {
  DelayLog log;
  log.AddLag(0.1, 0.2);
  log.AddLag(0.5, 1.0);
  log.AddLag(1.5, 1.5);
  log.NextSession();
  log.AddLag(0.1, 0.4);
  ASSERT_EQ(log.lags().size(), 3u);
  EXPECT_NEAR(log.lags()[0].lag_s, 0.5, 1e-9);
  EXPECT_NEAR(log.lags()[2].at_s, 2.1, 1e-9);
  EXPECT_NEAR(log.lag_figures().max, 0.5, 1e-9);
}

Word Word(const char* text, int64_t end_ms) {
  return {.text = text, .t0_ms = end_ms - 100, .t1_ms = end_ms};
}

// What each line adds, pieced together, is the whole text.
TEST(SimulLinesTest, LinesHoldWhatIsNew) {
  SimulLines lines;
  LiveEvent event = Text(LiveEventType::kPartial, 1500, "One", {});
  event.words = {Word("One", 900)};
  const auto first = nlohmann::json::parse(lines.Add(event, 1.6));
  EXPECT_EQ(first["text"], "One");
  EXPECT_EQ(first["end"], 0.9);
  EXPECT_EQ(first["emission_time"], 1.6);
  EXPECT_EQ(first["is_final"], false);
  EXPECT_EQ(lines.Add(event, 1.7), "") << "nothing new";
  event.type = LiveEventType::kFinal;
  event.committed = "One two, three.";
  event.words = {Word("One", 900), Word("two,", 1000), Word("three.", 1400)};
  const auto second = nlohmann::json::parse(lines.Add(event, 2));
  EXPECT_EQ(second["text"], " two, three.");
  EXPECT_EQ(second["words"][0]["text"], " two,");
  EXPECT_EQ(second["words"][1]["text"], " three.");
  EXPECT_EQ(second["is_final"], true);
  event.utterance_id = 2;
  EXPECT_EQ(nlohmann::json::parse(lines.Add(event, 3))["text"], " One two, three.");
}

TEST(LiveViewTest, TheStatusLineHasEverything) {
  const LiveMeter meter{.level_db = -30,
                        .lag_ms = 1200,
                        .real_time_factor = 0.414,
                        .closed_gates = 12,
                        .gates = 30,
                        .overrun_count = 2,
                        .context = "en"};
  EXPECT_EQ(MeterText(meter), "[#####     ] x0.41 lag 1.2 s 12/30 gates closed 2 overruns en");
  const std::string line = StatusText({}, "was said", " and may change", 80);
  EXPECT_NE(line.find(" was said\x1b[2m and may change\x1b[0m"), std::string::npos) << line;
}

// Whatever is said, the line has one row and steers nothing.
TEST(LiveViewTest, TheStatusLineFits) {
  for (const std::string& text :
       {std::string(200, 'w'), std::string("\u65e5\u672c\u8a9e\u65e5\u672c"),
        std::string("\x1b[31mred\n\x07")}) {
    for (const int columns : {0, 10, 40, 41}) {
      std::string line = StatusText({}, text, "", columns);
      EXPECT_EQ(line.find('\x1b'), std::string::npos);
      EXPECT_EQ(line.find('\n'), std::string::npos);
      EXPECT_LE(DisplayWidth(line), std::max(columns, DisplayWidth(MeterText({})) + 1));
    }
  }
}

TEST(LiveSwitchesTest, KeysGoRound) {
  LiveSwitches switches("en", "transcribe", "de,en,fr");
  EXPECT_EQ(switches.language(), "en");
  switches.NextLanguage();
  EXPECT_EQ(switches.language(), "de");
  switches.NextLanguage();
  switches.NextLanguage();
  EXPECT_EQ(switches.language(), "en");
  switches.NextTask();
  EXPECT_EQ(switches.task(), "translate");
  EXPECT_EQ(LiveSwitches("auto", "st:deu", "").task_kind(), "translate");
  switches.NextTask();
  EXPECT_EQ(switches.task_kind(), "transcribe");
}

TEST(EventLineTest, EveryKindParses) {
  LiveEvent event = Text(LiveEventType::kPartial, 1250, "a \"b\"\n\xff", {1000});
  event.tentative = " c";
  event.t0_ms = 20;
  const auto partial = nlohmann::json::parse(EventLine(event));
  EXPECT_EQ(partial["type"], "partial");
  EXPECT_EQ(partial["tentative"], " c");
  EXPECT_EQ(partial["t0"], 0.02);
  EXPECT_EQ(partial["input"], 1.25);
  EXPECT_EQ(partial["words"][0]["end"], 1.0);
  event.type = LiveEventType::kFinal;
  const auto final = nlohmann::json::parse(EventLine(event));
  EXPECT_TRUE(final.contains("text") && !final.contains("tentative"));
  EXPECT_EQ(final["outcome"], "complete");
  for (const auto type : {LiveEventType::kSpeechStart, LiveEventType::kSpeechEnd,
                          LiveEventType::kSilence, LiveEventType::kError, LiveEventType::kEnd}) {
    event.type = type;
    event.status = Cancelled("stopped");
    EXPECT_EQ(nlohmann::json::parse(EventLine(event))["type"], LiveEventName(type));
  }
}

}  // namespace
}  // namespace espalier::cli
