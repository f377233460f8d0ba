#include "runtime/search/segments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace espalier {
namespace {

// Text 1 … 9, times 10 … 40 (0.1 s apart), sos 50, eos 51.
constexpr OwsmTimeRules kRules{
    .sos = 50, .eos = 51, .notimestamps = 9, .first_time = 10, .last_time = 40};

OwsmWindow SmallWindow() {
  return {.start_samples = 0,
          .length_samples = 48000,
          .sample_rate = 16000,
          .resolution_s = 0.1,
          .end_time_threshold = 38};
}

using Utterance = std::tuple<int64_t, int64_t, std::vector<int>>;

std::vector<Utterance> Utterances(const std::vector<SegmentSpan>& spans,
                                  const std::vector<int>& tokens) {
  std::vector<Utterance> utterances;
  for (const SegmentSpan& span : spans) {
    EXPECT_LE(span.tokens.begin, span.tokens.end);
    utterances.push_back({span.start_ms,
                          span.end_ms,
                          {tokens.begin() + span.tokens.begin, tokens.begin() + span.tokens.end}});
  }
  return utterances;
}

// Pieces of the golden's tokenizer as text.
std::string DecodePieces(const nlohmann::json& pieces, std::span<const int> tokens) {
  std::string text;
  for (const int token : tokens) text += pieces[static_cast<size_t>(token)].get<std::string>();
  const std::string space = "\u2581";
  for (size_t at = text.find(space); at != std::string::npos; at = text.find(space)) {
    text.replace(at, space.size(), at == 0 ? "" : " ");
  }
  return text;
}

TEST(SegmentsTest, OwsmFollowsTheRecordedWindows) {
  std::ifstream file("tests/search/testdata/long_form.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  const OwsmTimeRules rules{.sos = golden["sos"],
                            .eos = 0,
                            .notimestamps = 0,
                            .first_time = golden["first_time"],
                            .last_time = golden["last_time"]};
  const int64_t samples = golden["samples"];
  const int rate = golden["fs"];
  const auto full = static_cast<int64_t>(std::lround(golden["speech_length"].get<double>() * rate));
  for (const nlohmann::json& run : golden["runs"]) {
    int64_t offset = 0;
    nlohmann::json segments = nlohmann::json::array();
    for (const nlohmann::json& hypothesis : run["windows"]) {
      ASSERT_LT(offset, samples);
      std::vector<int> tokens = OwsmResultTokens(hypothesis.get<std::vector<int>>(), rules.sos, 0);
      tokens.erase(tokens.begin(), tokens.begin() + 2);
      const auto split = SplitOwsmWindow(tokens, rules,
                                         {.start_samples = offset,
                                          .length_samples = std::min(full, samples - offset),
                                          .sample_rate = rate,
                                          .resolution_s = golden["resolution"],
                                          .end_time_threshold = run["end_time_threshold"]});
      ASSERT_TRUE(split.ok());
      for (const auto& [start, end, spoken] : Utterances(split->utterances, tokens)) {
        segments.push_back({static_cast<double>(start) / 1000, static_cast<double>(end) / 1000,
                            DecodePieces(golden["tokens"], spoken)});
      }
      offset += split->advance_samples;
    }
    EXPECT_EQ(segments, run["segments"]);
    EXPECT_LT(samples - offset, rate / 5) << "the recorded run ended here";
  }
}

TEST(SegmentsTest, ResultTokensLeaveOutWhatIsNotSaid) {
  EXPECT_EQ(OwsmResultTokens(std::vector<int>{60, 3, 4, 50, 1, 2, 0, 5, 51}, 50, 0),
            (std::vector<int>{1, 2, 5}))
      << "previous text, sos, blank, eos";
  EXPECT_EQ(OwsmResultTokens(std::vector<int>{50, 1, 50, 2, 51, 51}, 50, 0),
            (std::vector<int>{1, 50, 2, 51}))
      << "only the first sos counts, only one eos is dropped";
  EXPECT_TRUE(OwsmResultTokens(std::vector<int>{}, 50, 0).empty());
  EXPECT_TRUE(OwsmResultTokens(std::vector<int>{50}, 50, 0).empty());
}

struct OwsmCase {
  const char* name;
  std::vector<int> tokens;
  std::vector<Utterance> utterances;
  int64_t advance;
};

TEST(SegmentsTest, OwsmCutsByHand) {
  const OwsmCase cases[] = {
      {"one utterance: on from its end", {11, 1, 2, 30}, {{100, 2000, {1, 2}}}, 32000},
      {"a lone start fills the window", {11, 1, 2}, {{100, 3000, {1, 2}}}, 48000},
      {"an odd time is the next start", {11, 1, 20, 20, 2}, {{100, 1000, {1}}}, 16000},
      {"a last utterance behind the threshold is heard again",
       {11, 1, 20, 22, 2, 39},
       {{100, 1000, {1}}},
       19200},
      {"at the threshold it is whole",
       {11, 1, 20, 22, 2, 38},
       {{100, 1000, {1}}, {1200, 2800, {2}}},
       44800},
      {"the only utterance stays", {11, 1, 40}, {{100, 3000, {1}}}, 48000},
      {"no time at all", {1, 2, 3}, {}, 48000},
      {"nothing", {}, {}, 48000},
      {"no way on: the window is passed over", {10, 10}, {{0, 0, {}}}, 48000},
      {"times that go back make no negative length", {20, 1, 15}, {{1000, 1000, {1}}}, 8000},
  };
  for (const OwsmCase& c : cases) {
    SCOPED_TRACE(c.name);
    const auto split = SplitOwsmWindow(c.tokens, kRules, SmallWindow());
    ASSERT_TRUE(split.ok());
    EXPECT_EQ(Utterances(split->utterances, c.tokens), c.utterances);
    EXPECT_EQ(split->advance_samples, c.advance);
  }
}

// Expected: Python's round(t * 0.02 + start / 16000, 2) and round(t * 0.02 * 16000).
TEST(SegmentsTest, OwsmRoundsAsPython) {
  const struct {
    int64_t start;
    int step;
    int64_t ms;
  } cases[] = {{80, 1, 30},    {80, 2, 40},    {240, 2, 60},     {400, 0, 30},
               {1200, 3, 140}, {2000, 7, 270}, {16080, 2, 1040}, {16240, 9, 1190}};
  for (const auto& c : cases) {
    OwsmWindow window = SmallWindow();
    window.start_samples = c.start;
    window.resolution_s = 0.02;
    const std::vector<int> tokens = {10 + c.step, 1, 40};
    const auto split = SplitOwsmWindow(tokens, kRules, window);
    ASSERT_TRUE(split.ok());
    EXPECT_EQ(split->utterances[0].start_ms, c.ms) << c.start << " " << c.step;
    EXPECT_EQ(split->advance_samples, 30 * 320);
  }
}

TEST(SegmentsTest, OwsmAlwaysMovesOn) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 3000; ++trial) {
    std::vector<int> tokens(random() % 9);
    for (int& token : tokens) token = static_cast<int>(random() % 60);
    const auto split = SplitOwsmWindow(tokens, kRules, SmallWindow());
    ASSERT_TRUE(split.ok());
    EXPECT_GE(split->advance_samples, 1);
    for (const SegmentSpan& span : split->utterances) {
      EXPECT_LE(span.start_ms, span.end_ms);
      EXPECT_LE(0, span.tokens.begin);
      EXPECT_LE(span.tokens.begin, span.tokens.end);
      EXPECT_LE(static_cast<size_t>(span.tokens.end), tokens.size());
    }
  }
}

TEST(SegmentsTest, OwsmWindowsAreChecked) {
  const auto code = [](const OwsmWindow& window) {
    return SplitOwsmWindow(std::vector<int>{11, 1, 20}, kRules, window).status().code();
  };
  OwsmWindow window = SmallWindow();
  window.length_samples = 0;
  EXPECT_EQ(code(window), StatusCode::kInvalidArgument);
  window = SmallWindow();
  window.sample_rate = 0;
  EXPECT_EQ(code(window), StatusCode::kInvalidArgument);
  window = SmallWindow();
  window.resolution_s = std::nan("");
  EXPECT_EQ(code(window), StatusCode::kInvalidArgument);
  window = SmallWindow();
  window.start_samples = -1;
  EXPECT_EQ(code(window), StatusCode::kInvalidArgument);
}

// Whisper: text below 100, <|0.00|> is 100. Token 7 is white space.
constexpr int kFirst = 100;

constexpr auto kHasWords = [](std::span<const int> tokens) {
  return std::any_of(tokens.begin(), tokens.end(), [](int t) { return t < kFirst && t != 7; });
};

// transcribe.py's cuts, step by step, with an arithmetic in milliseconds.
std::vector<Utterance> PlainWhisperCuts(const std::vector<int>& tokens, int64_t seek, int length,
                                        int64_t* advance) {
  const auto is_time = [&](size_t i) { return tokens[i] >= kFirst; };
  const size_t n = tokens.size();
  const bool single = n >= 2 && !is_time(n - 2) && is_time(n - 1);
  std::vector<size_t> cuts;
  for (size_t i = 0; i + 1 < n; ++i) {
    if (is_time(i) && is_time(i + 1)) cuts.push_back(i + 1);
  }
  std::vector<Utterance> all, kept;
  *advance = length;
  if (!cuts.empty()) {
    if (single) cuts.push_back(n);
    size_t last = 0;
    for (const size_t cut : cuts) {
      const std::vector<int> slice(tokens.begin() + static_cast<int64_t>(last),
                                   tokens.begin() + static_cast<int64_t>(cut));
      all.push_back({seek * 10 + (slice.front() - kFirst) * 20,
                     seek * 10 + (slice.back() - kFirst) * 20, slice});
      last = cut;
    }
    if (!single) *advance = (tokens[last - 1] - kFirst) * 2;
  } else {
    int64_t duration = length * 10;
    for (size_t i = 0; i < n; ++i) {
      if (is_time(i)) duration = tokens[i] == kFirst ? length * 10 : (tokens[i] - kFirst) * 20;
    }
    all.push_back({seek * 10, seek * 10 + duration, tokens});
  }
  for (const Utterance& utterance : all) {
    if (std::get<0>(utterance) != std::get<1>(utterance) && kHasWords(std::get<2>(utterance))) {
      kept.push_back(utterance);
    }
  }
  return kept;
}

TEST(SegmentsTest, WhisperFollowsTranscribePy) {
  std::mt19937 random(11);
  int segments = 0, early = 0;
  for (int trial = 0; trial < 5000; ++trial) {
    // As the time rules allow it: times in pairs, never going back, each segment of some length.
    std::vector<int> tokens = {kFirst + static_cast<int>(random() % 3)};
    bool open = true;
    int last = tokens[0];
    while (random() % 12 != 0) {
      if (open && random() % 2 != 0) {
        tokens.push_back(static_cast<int>(random() % 10));
      } else if (open && tokens.back() < kFirst) {
        last += 1 + static_cast<int>(random() % 9);
        tokens.push_back(last);
        open = false;
      } else if (!open) {
        last += static_cast<int>(random() % 3);
        tokens.push_back(last);
        open = true;
      }
    }
    const int length = 1 + static_cast<int>(random() % 3000);
    const int64_t seek = static_cast<int64_t>(random() % 100000);
    int64_t advance = 0;
    const auto expected = PlainWhisperCuts(tokens, seek, length, &advance);
    const auto split = SplitWhisperWindow(
        tokens, {.start_frames = seek, .length_frames = length, .first_time = kFirst}, kHasWords);
    ASSERT_TRUE(split.ok());
    EXPECT_EQ(Utterances(split->segments, tokens), expected);
    EXPECT_EQ(split->advance_frames, advance);
    segments += static_cast<int>(expected.size());
    early += advance < length ? 1 : 0;
  }
  EXPECT_GT(segments, 3000);
  EXPECT_GT(early, 500);
}

TEST(SegmentsTest, WhisperCutsByHand) {
  const auto split = [](const std::vector<int>& tokens) {
    auto result = SplitWhisperWindow(
        tokens, {.start_frames = 500, .length_frames = 1000, .first_time = kFirst}, kHasWords);
    EXPECT_TRUE(result.ok());
    return std::pair(Utterances(result->segments, tokens), result->advance_frames);
  };
  using Cuts = std::pair<std::vector<Utterance>, int>;
  EXPECT_EQ(split({100, 1, 2, 150}), (Cuts{{{5000, 6000, {100, 1, 2, 150}}}, 1000}));
  EXPECT_EQ(split({100, 1, 150, 150, 2}), (Cuts{{{5000, 6000, {100, 1, 150}}}, 100}));
  EXPECT_EQ(split({100, 1, 150, 160, 2, 200}),
            (Cuts{{{5000, 6000, {100, 1, 150}}, {6200, 7000, {160, 2, 200}}}, 1000}));
  EXPECT_EQ(split({100, 1, 150, 160}), (Cuts{{{5000, 6000, {100, 1, 150}}}, 100}));
  EXPECT_EQ(split({100, 1}), (Cuts{{{5000, 15000, {100, 1}}}, 1000})) << "no end was said";
  EXPECT_EQ(split({1, 2}), (Cuts{{{5000, 15000, {1, 2}}}, 1000})) << "no times";
  EXPECT_EQ(split({100, 7, 150}), (Cuts{{}, 1000})) << "no words";
  EXPECT_EQ(split({}), (Cuts{{}, 1000}));
  EXPECT_EQ(split({100, 100, 1}), (Cuts{{}, 1000})) << "a pair that would not move on";
}

TEST(SegmentsTest, WhisperWindowsAreChecked) {
  const auto code = [](const WhisperWindow& window) {
    return SplitWhisperWindow(std::vector<int>{100, 1, 120}, window, kHasWords).status().code();
  };
  EXPECT_EQ(code({.start_frames = 0, .length_frames = 0, .first_time = kFirst}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.start_frames = -1, .length_frames = 10, .first_time = kFirst}),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace espalier
