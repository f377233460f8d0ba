// Words of recordings: they are the text, in order, where it was said; by CTC and by attention.
#include "runtime/session/word_times.h"

#include <gtest/gtest.h>

#include "runtime/checkpoint/safetensors.h"
#include "runtime/session/transcriber.h"
#include "runtime/session/window.h"
#include "runtime/session/words.h"
#include "tests/golden/waveform.h"
#include "tests/session/memory_reader.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;
using scripted_whisper::kFirstTime;
using scripted_whisper::kLetterA;

constexpr int64_t kNearMs = 150;  // a syllable of the goldens' tone language lasts 140

TranscribeOptions WithWords(const std::string& language) {
  TranscribeOptions options;
  options.language = language;
  options.word_times = true;
  return options;
}

Transcript Transcribe(std::shared_ptr<Engine> engine, std::vector<float> samples,
                      const TranscribeOptions& options) {
  auto transcriber = Transcriber::Create(std::move(engine));
  EXPECT_TRUE(transcriber.ok()) << transcriber.status().message();
  MemoryReader audio(std::move(samples));
  auto transcript = (*transcriber)->Transcribe(audio, options, {}, {});
  EXPECT_TRUE(transcript.ok()) << transcript.status().message();
  return transcript.ok() ? std::move(transcript).value() : Transcript{};
}

std::string WithoutBlanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

// Returns how many there are.
size_t ExpectWordsOfTheText(const Transcript& transcript) {
  size_t count = 0;
  int64_t last_ms = 0;
  for (const Segment& segment : transcript.segments) {
    std::string said;
    last_ms = std::max(last_ms, segment.window_start_ms);
    for (const Word& word : segment.words) {
      said += word.text;
      EXPECT_GE(word.t0_ms, last_ms) << word.text;
      EXPECT_GE(word.t1_ms, word.t0_ms) << word.text;
      EXPECT_GT(word.probability, 0.0);
      EXPECT_LE(word.probability, 1.0);
      last_ms = word.t1_ms;
    }
    EXPECT_EQ(WithoutBlanks(said), WithoutBlanks(segment.text));
    count += segment.words.size();
  }
  EXPECT_LE(last_ms, transcript.duration_ms);
  return count;
}

std::shared_ptr<Engine> OpenPlain() {
  auto engine = Engine::Open(
      {.model_folder = "tests/golden/data/model_plain", .device = "cpu", .threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return std::move(engine).value();
}

std::vector<float> GoldenWaveform(const std::string& name) {
  const auto golden = SafetensorsFile::Open("tests/golden/data/plain/" + name + ".safetensors");
  EXPECT_TRUE(golden.ok()) << golden.status().message();
  return Waveform(**golden);
}

TEST(WordTimesTest, ByCtcTheyLieInTheirSegments) {
  const Transcript transcript =
      Transcribe(OpenPlain(), GoldenWaveform("case2_eng_asr"), WithWords("eng"));
  EXPECT_GT(ExpectWordsOfTheText(transcript), 5u);
  // Where the first segment begins is sure; its last word was not said, by the golden's reference.
  const Segment& first = transcript.segments[0];
  EXPECT_LE(std::abs(first.words.front().t0_ms - first.start_ms), kNearMs);
}

// A translation's words are not those that CTC hears.
TEST(WordTimesTest, ATranslationIsAlignedByAttention) {
  TranscribeOptions options = WithWords("deu");
  options.task = "st:jpn";
  options.timestamps = false;
  const Transcript transcript =
      Transcribe(OpenPlain(), GoldenWaveform("case1_deu_st_jpn"), options);
  EXPECT_GT(ExpectWordsOfTheText(transcript), 0u);
  EXPECT_TRUE(transcript.warnings.empty());
}

TEST(WordTimesTest, TheTextIsThatWithoutThem) {
  TranscribeOptions options = WithWords("eng");
  const Transcript with = Transcribe(OpenPlain(), GoldenWaveform("case2_eng_asr"), options);
  options.word_times = false;
  const Transcript without = Transcribe(OpenPlain(), GoldenWaveform("case2_eng_asr"), options);
  ASSERT_EQ(with.segments.size(), without.segments.size());
  for (size_t i = 0; i < with.segments.size(); ++i) {
    EXPECT_EQ(with.segments[i].tokens, without.segments[i].tokens);
    EXPECT_EQ(with.segments[i].log_probs.size(), with.segments[i].tokens.size());
    EXPECT_TRUE(without.segments[i].words.empty());
  }
}

TEST(WordTimesTest, WhispersSegmentsHaveTheirWordsInEachWindow) {
  // "<|0.00|> a <|0.40|> <|0.40|> b", and no end of the second segment.
  const std::string folder = scripted_whisper::WriteFolder({.steps = {{kFirstTime},
                                                                      {kLetterA},
                                                                      {kFirstTime + 20},
                                                                      {kFirstTime + 20},
                                                                      {kLetterA + 1},
                                                                      {kEnd}}});
  auto engine = Engine::Open({.model_folder = folder, .device = "reference", .threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  const Transcript transcript =
      Transcribe(*engine, std::vector<float>(17600, 0.25f), WithWords("en"));
  ASSERT_EQ(transcript.segments.size(), 3u);
  EXPECT_EQ(ExpectWordsOfTheText(transcript), 3u);
  EXPECT_TRUE(transcript.warnings.empty());
}

TEST(WordTimesTest, NobodyKnowsWhereEverySourceAttentionIsClosed) {
  auto engine = OpenPlain();
  GateMask mask = AllOpen(engine->config());
  GateTable& table = mask.decoder;
  for (size_t i = 0; i < table.open.size(); ++i) {
    if (table.modules[i % table.modules.size()] == "src_attn") table.open[i] = 0;
  }
  Inference inference(engine, {.alignment = true});
  const std::vector<float> samples = GoldenWaveform("case1_deu_st_jpn");
  ASSERT_TRUE(inference.Embed(WindowFeatures(*engine, samples)).ok());
  ASSERT_TRUE(inference.Encode(mask).ok());
  const auto context = ResolveContext(*engine, "deu", "st:jpn");
  ASSERT_TRUE(context.ok()) << context.status().message();
  const auto tokens = engine->tokenizer().Encode("tabo");
  ASSERT_TRUE(tokens.ok()) << tokens.status().message();
  std::vector<Segment> segments(1);
  segments[0].tokens = *tokens;
  segments[0].log_probs.resize(tokens->size());
  const auto known = TimeWords(inference, *context, {.samples = samples}, segments);
  ASSERT_TRUE(known.ok()) << known.status().message();
  EXPECT_FALSE(*known);
  EXPECT_TRUE(segments[0].words.empty());
}

TEST(WordTimesTest, TokensReachHalfWayToTheirNeighbours) {
  const auto times = TimesAround(std::vector<int64_t>{100, 200, 2000}, 0, 3000);
  ASSERT_EQ(times.size(), 3u);
  EXPECT_EQ(times[0].begin_ms, 0);
  EXPECT_EQ(times[0].end_ms, 150);
  EXPECT_EQ(times[1].begin_ms, 150);
  EXPECT_EQ(times[1].end_ms, 500);
  EXPECT_EQ(times[2].begin_ms, 1700);
  EXPECT_EQ(times[2].end_ms, 2300);
}

}  // namespace
}  // namespace espalier
