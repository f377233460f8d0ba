// Golden documents of every format.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "apps/cli/version.h"
#include "apps/cli/writers/writer.h"

namespace espalier::cli {
namespace {

Segment MakeSegment(int64_t start_ms, int64_t end_ms, const std::string& text) {
  Segment segment;
  segment.start_ms = start_ms;
  segment.end_ms = end_ms;
  segment.window_start_ms = start_ms / 30000 * 30000;
  segment.text = text;
  segment.tokens = {50364, 7, 50414};
  segment.language = "en";
  segment.avg_log_prob = -0.25;
  segment.compression_ratio = 1.5;
  segment.no_speech_prob = 0.125;
  return segment;
}

Transcript MakeTranscript() {
  Transcript transcript;
  transcript.language = "en";
  transcript.task = "transcribe";
  transcript.duration_ms = 3725000;
  transcript.segments = {MakeSegment(0, 1240, " He said \"no\",\tthen left."),
                         MakeSegment(1240, 1500, "   "),
                         MakeSegment(3723004, 3724567, " a < b && c --> d")};
  transcript.segments[2].outcome = ESP_OUTCOME_TRUNCATED;
  transcript.timings.total_s = 372.5;
  transcript.warnings = {"window at 3720.00 s: truncated"};
  return transcript;
}

std::string Document(const std::string& format, const Transcript& transcript) {
  const auto writer = MakeWriter(format, {.file = "talk.wav", .model = "tiny", .backend = "cpu"});
  std::string text = writer->Start();
  for (const Segment& segment : transcript.segments) text += writer->Add(segment);
  return text + writer->Finish(transcript);
}

const std::map<std::string, std::string> kGoldens = {
    {"txt", "He said \"no\", then left.\na < b && c --> d\n"},
    {"srt",
     "1\n00:00:00,000 --> 00:00:01,240\nHe said \"no\", then left.\n\n"
     "2\n01:02:03,004 --> 01:02:04,567\na < b && c --> d\n\n"},
    {"vtt",
     "WEBVTT\n\n00:00:00.000 --> 00:00:01.240\nHe said \"no\", then left.\n\n"
     "01:02:03.004 --> 01:02:04.567\na &lt; b &amp;&amp; c --&gt; d\n\n"},
    {"tsv",
     "start\tend\ttext\n0\t1240\tHe said \"no\", then left.\n3723004\t3724567\ta < b && c --> d\n"},
    {"csv",
     "start,end,text\n0,1240,\"He said \"\"no\"\", then left.\"\n3723004,3724567,\"a < b && c --> "
     "d\"\n"},
    {"lrc", "[00:00.00]He said \"no\", then left.\n[62:03.00]a < b && c --> d\n"}};

TEST(WritersTest, TextFormatsAreAsTheirToolsWriteThem) {
  for (const auto& [format, golden] : kGoldens) {
    EXPECT_EQ(Document(format, MakeTranscript()), golden) << format;
  }
}

TEST(WritersTest, NoSpeechIsAnEmptyDocument) {
  const std::map<std::string, std::string> empty = {{"txt", ""},
                                                    {"srt", ""},
                                                    {"vtt", "WEBVTT\n\n"},
                                                    {"tsv", "start\tend\ttext\n"},
                                                    {"csv", "start,end,text\n"},
                                                    {"lrc", ""}};
  for (const auto& [format, golden] : empty) EXPECT_EQ(Document(format, {}), golden) << format;
}

TEST(WritersTest, JsonIsVerboseJsonAndMore) {
  const auto json = nlohmann::json::parse(Document("json", MakeTranscript()));
  EXPECT_EQ(json["task"], "transcribe");
  EXPECT_EQ(json["language"], "en");
  EXPECT_EQ(json["duration"], 3725.0);
  EXPECT_EQ(json["text"], "He said \"no\",\tthen left. a < b && c --> d");
  ASSERT_EQ(json["segments"].size(), 3u);
  const auto& last = json["segments"][2];
  const nlohmann::json golden = {{"id", 2},
                                 {"seek", 372000},
                                 {"start", 3723.004},
                                 {"end", 3724.567},
                                 {"text", " a < b && c --> d"},
                                 {"tokens", {50364, 7, 50414}},
                                 {"temperature", 0.0},
                                 {"avg_logprob", -0.25},
                                 {"compression_ratio", 1.5},
                                 {"no_speech_prob", 0.125},
                                 {"language", "en"},
                                 {"outcome", "truncated"}};
  EXPECT_EQ(last, golden);
  EXPECT_EQ(json["runtime"],
            (nlohmann::json{{"version", kVersion}, {"model", "tiny"}, {"backend", "cpu"}}));
  EXPECT_EQ(json["timings"]["real_time_factor"], 0.1);
  EXPECT_EQ(json["warnings"].size(), 1u);
}

TEST(WritersTest, JsonLinesAreEvents) {
  const std::string text = Document("jsonl", MakeTranscript());
  std::vector<nlohmann::json> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["type"], "final");
  EXPECT_EQ(lines[0]["utterance_id"], 1);
  EXPECT_EQ(lines[0]["t1"], 1.24);
  EXPECT_EQ(lines[2]["file"], "talk.wav");
  EXPECT_EQ(lines[3]["type"], "end");
  EXPECT_EQ(lines[3]["utterances"], 3);
}

TEST(WritersTest, EveryFormatIsUtf8WhateverTheTokensWere) {
  Transcript transcript = MakeTranscript();
  transcript.segments[0].text = "caf\xc3\xa9 \xff\xc3(\x1b[2J\n\nend \xe2\x82";
  for (const std::string& format : FormatNames()) {
    const std::string text = Document(format, transcript);
    EXPECT_NO_THROW((void)nlohmann::json(text).dump()) << format;  // it throws on bad UTF-8
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << format;
    EXPECT_NE(text.find("caf\xc3\xa9"), std::string::npos) << format;
  }
  EXPECT_EQ(Document("txt", transcript).substr(0, 21),
            "caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd( [2J end");
}

TEST(WritersTest, ScriptsWithoutBlanksGetNoneBetweenSegments) {
  Transcript transcript;
  transcript.segments = {MakeSegment(0, 1, "今日は。"), MakeSegment(1, 2, "元気？"),
                         MakeSegment(2, 3, "yes"), MakeSegment(3, 4, "indeed")};
  const auto json = nlohmann::json::parse(Document("json", transcript));
  EXPECT_EQ(json["text"], "今日は。元気？ yes indeed");
}

TEST(ParseFormatsTest, ListsAndAll) {
  EXPECT_EQ(*ParseFormats("srt"), std::vector<std::string>{"srt"});
  EXPECT_EQ(*ParseFormats("srt,txt,srt"), (std::vector<std::string>{"srt", "txt"}));
  EXPECT_EQ(*ParseFormats("all"), FormatNames());
  EXPECT_EQ(*ParseFormats("vtt,all"),
            (std::vector<std::string>{"vtt", "txt", "srt", "json", "tsv", "csv", "lrc", "jsonl"}));
  for (const char* bad : {"", "docx", "txt,", ",txt", "TXT"}) {
    EXPECT_EQ(ParseFormats(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace espalier::cli
