// Decoders whose output layer is cut down to the tokens of a language's scripts.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/checkpoint/safetensors.h"
#include "runtime/session/context.h"
#include "runtime/session/inference.h"
#include "runtime/session/transcriber.h"
#include "runtime/session/window.h"
#include "tests/golden/waveform.h"
#include "tests/session/memory_reader.h"
#include "tests/session/random_whisper.h"

namespace espalier {
namespace {

const std::string kData = "tests/golden/data/";

std::shared_ptr<Engine> Open(const std::string& folder) {
  auto engine = Engine::Open({.model_folder = folder, .threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

std::vector<float> GoldenWaveform(const std::string& name) {
  const auto golden = SafetensorsFile::Open(kData + name + ".safetensors");
  EXPECT_TRUE(golden.ok()) << golden.status().message();
  return golden.ok() ? Waveform(**golden) : std::vector<float>();
}

// Log-probabilities after a prompt and one step of two hypotheses, (3, vocabulary).
std::vector<float> Scores(Inference* inference) {
  const ModelConfig& config = inference->engine()->config();
  std::vector<float> samples(12000);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = 0.3f * std::sin(0.001f * static_cast<float>(i * (i % 97)));
  }
  EXPECT_TRUE(inference->Embed(WindowFeatures(*inference->engine(), samples)).ok());
  EXPECT_TRUE(inference->Encode(AllOpen(config)).ok());
  const auto width = static_cast<size_t>(inference->vocabulary_size());
  std::vector<float> scores(3 * width);
  EXPECT_TRUE(
      inference->Start(std::array{76, 5, 7}, std::array{2}, std::span(scores).first(width)).ok());
  EXPECT_TRUE(
      inference->Advance(std::array{0, 0}, std::array{10, 11}, std::span(scores).subspan(width))
          .ok());
  return scores;
}

// Scores of the kept tokens are those of all but for the sum that they are divided by.
void ExpectSameLogits(const std::string& folder, const std::string& language, size_t left_out) {
  const std::shared_ptr<Engine> engine = Open(folder);
  ASSERT_NE(engine, nullptr);
  const std::shared_ptr<const TokenSubset> tokens = engine->TokensOf(language);
  ASSERT_NE(tokens, nullptr);
  const auto width = static_cast<size_t>(engine->config().vocabulary_size);
  EXPECT_EQ(width - tokens->ids.size(), left_out);
  Inference inference(engine, {});
  const std::vector<float> all = Scores(&inference);
  inference.ScoreOnly(tokens);
  const std::vector<float> some = Scores(&inference);
  for (size_t row = 0; row < 3; ++row) {
    double kept = 0;
    for (const int32_t id : tokens->ids) {
      kept += std::exp(double{all[row * width + static_cast<size_t>(id)]});
    }
    for (size_t token = 0; token < width; ++token) {
      const double score = double{some[row * width + token]};
      if (std::binary_search(tokens->ids.begin(), tokens->ids.end(), static_cast<int>(token))) {
        ASSERT_NEAR(score, double{all[row * width + token]} - std::log(kept), 1e-5) << token;
      } else {
        ASSERT_EQ(score, -HUGE_VAL) << token;
      }
    }
  }
  inference.ScoreOnly(nullptr);
  EXPECT_EQ(Scores(&inference), all);
}

TEST(RestrictedVocabularyTest, KeptTokensKeepTheirLogits) {
  const std::string whisper = random_whisper::WriteFolder("whisper");
  ExpectSameLogits(whisper, "en", 163);
  ExpectSameLogits(whisper, "ru", 135);
  ExpectSameLogits(kData + "model_plain", "eng", 6);
  ExpectSameLogits(kData + "model_gated", "deu", 6);
}

TEST(RestrictedVocabularyTest, OnlyTheKeptRowsAreInThePlan) {
  const std::shared_ptr<Engine> engine = Open(random_whisper::WriteFolder("whisper"));
  ASSERT_NE(engine, nullptr);
  StageOptions options{.gates = AllOpen(engine->config()), .tokens = engine->TokensOf("en")};
  EXPECT_EQ(options.tokens, engine->TokensOf("fr")) << "one subset for the same scripts";
  EXPECT_NE(options.tokens, engine->TokensOf("ru"));
  const auto plan = engine->plans().Build(Stage::kDecoder, options);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const auto found =
      std::find_if((*plan)->weights.begin(), (*plan)->weights.end(),
                   [](const Weight& weight) { return weight.name.ends_with("[Latin]"); });
  ASSERT_NE(found, (*plan)->weights.end());
  EXPECT_EQ(found->rows, std::ssize(options.tokens->ids));
}

TEST(RestrictedVocabularyTest, UnknownScriptsLeaveNothingOut) {
  const std::shared_ptr<Engine> engine = Open(random_whisper::WriteFolder("whisper"));
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(engine->TokensOf("pli"), nullptr);
  EXPECT_EQ(engine->TokensOf("nobody's"), nullptr);
}

// A translation is written in its target's scripts.
TEST(RestrictedVocabularyTest, TheTextsLanguageCounts) {
  const std::shared_ptr<Engine> engine = Open(kData + "model_plain");
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(ResolveContext(*engine, "deu", "asr")->written_in, "de");
  EXPECT_EQ(ResolveContext(*engine, "deu", "st:jpn")->written_in, "jpn");
  EXPECT_EQ(ResolveContext(*engine, "jpn", "translate")->written_in, "eng");
}

Transcript Transcribe(Transcriber& transcriber, const std::string& golden,
                      const TranscribeOptions& options) {
  MemoryReader audio(GoldenWaveform(golden));
  auto transcript = transcriber.Transcribe(audio, options, {}, {});
  EXPECT_TRUE(transcript.ok()) << transcript.status().message();
  return transcript.ok() ? std::move(transcript).value() : Transcript{};
}

bool IsKept(const Transcript& transcript, const TokenSubset& tokens) {
  for (const Segment& segment : transcript.segments) {
    for (const int token : segment.tokens) {
      if (!std::binary_search(tokens.ids.begin(), tokens.ids.end(), token)) return false;
    }
  }
  return true;
}

TEST(RestrictedTranscriptTest, TextOfKeptTokensStays) {
  const std::shared_ptr<Engine> engine = Open(kData + "model_plain");
  ASSERT_NE(engine, nullptr);
  const auto transcriber = Transcriber::Create(engine);
  ASSERT_TRUE(transcriber.ok());
  int compared = 0;
  for (const char* golden : {"plain/case0_eng_asr", "plain/case2_eng_asr"}) {
    for (const int beam_size : {1, 5}) {
      for (const double ctc_weight : {0.0, 0.3}) {
        TranscribeOptions options;
        options.language = "eng";
        options.beam_size = beam_size;
        options.ctc_weight = ctc_weight;
        options.timestamps = ctc_weight == 0.0;
        const Transcript all = Transcribe(**transcriber, golden, options);
        options.restrict_vocabulary = true;
        const Transcript some = Transcribe(**transcriber, golden, options);
        EXPECT_TRUE(IsKept(some, *engine->TokensOf("en")));
        // Beams weigh steps against each other, each with its own sum.
        if (beam_size > 1 || !IsKept(all, *engine->TokensOf("en"))) continue;
        ++compared;
        ASSERT_EQ(some.segments.size(), all.segments.size());
        for (size_t i = 0; i < all.segments.size(); ++i) {
          EXPECT_EQ(some.segments[i].text, all.segments[i].text) << golden << beam_size;
          EXPECT_EQ(some.segments[i].start_ms, all.segments[i].start_ms);
        }
      }
    }
  }
  EXPECT_GE(compared, 4);
}

TEST(RestrictedTranscriptTest, TheLanguageHeardIsTheSame) {
  const std::shared_ptr<Engine> engine = Open(kData + "model_plain");
  ASSERT_NE(engine, nullptr);
  const auto transcriber = Transcriber::Create(engine);
  ASSERT_TRUE(transcriber.ok());
  for (const char* golden : {"plain/case0_eng_asr", "plain/case1_deu_st_jpn"}) {
    TranscribeOptions options;
    const Transcript all = Transcribe(**transcriber, golden, options);
    options.restrict_vocabulary = true;
    EXPECT_EQ(Transcribe(**transcriber, golden, options).language, all.language);
  }
}

}  // namespace
}  // namespace espalier
