#include "runtime/search/whisper_fallback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/search/naive_whisper.h"
#include "tests/search/test_scorers.h"

namespace espalier {
namespace {

using naive_whisper::kIds;
using naive_whisper::kPlainPrompt;
using naive_whisper::kVocabulary;

std::string Repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

// Sizes by Python: len(text.encode()), len(zlib.compress(text.encode())).
TEST(WhisperFallbackTest, CompressionRatiosArePythons) {
  std::string letters;
  for (int i = 0; i < 3000; ++i) letters += static_cast<char>('a' + (i * 7919 + i * i) % 26);
  const struct {
    std::string text;
    double size, compressed_size;
  } cases[] = {
      {"", 0, 8},
      {"a", 1, 9},
      {"Hello world.", 12, 20},
      {Repeated("ha", 60), 120, 13},
      {"The quick brown fox jumps over the lazy dog.", 44, 51},
      {Repeated("Привет, мир! ", 5), 110, 35},
      {letters, 3000, 42},
  };
  for (const auto& c : cases) {
    const auto ratio = CompressionRatio(c.text);
    ASSERT_TRUE(ratio.ok());
    EXPECT_DOUBLE_EQ(*ratio, c.size / c.compressed_size) << c.text;
  }
}

TEST(WhisperFallbackTest, SilenceIsLikelyNoSpeechAndUnlikelyText) {
  const FallbackThresholds thresholds;
  EXPECT_TRUE(IsSilentWindow(0.7, -1.5, thresholds));
  EXPECT_TRUE(IsSilentWindow(0.7, -1.0, thresholds)) << "not above the threshold";
  EXPECT_FALSE(IsSilentWindow(0.7, -0.5, thresholds));
  EXPECT_FALSE(IsSilentWindow(0.6, -1.5, thresholds));
}

// Forwards to a model; notes the prompt's runs and how many hypotheses each of them had.
class CountingScorer : public FunctionScorer {
 public:
  explicit CountingScorer(PrefixFunction function, int positions = 60)
      : FunctionScorer(kVocabulary, 8, positions, std::move(function)) {}
  Status Start(std::span<const int> prompt, std::span<const int> rows,
               std::span<float> log_probs) override {
    widths.push_back(0);
    return FunctionScorer::Start(prompt, rows, log_probs);
  }
  Status Advance(std::span<const int> parents, std::span<const int> tokens,
                 std::span<float> log_probs) override {
    widths.back() = std::max(widths.back(), tokens.size());
    return FunctionScorer::Advance(parents, tokens, log_probs);
  }
  std::vector<size_t> widths;
};

// A few words of the given probability each, then the end; no speech with `no_speech`.
PrefixFunction Words(float probability, float no_speech = 0.01f) {
  return [=](const std::vector<int>& prefix) {
    std::vector<float> row(kVocabulary, -30.0f);
    row[16] = std::log(no_speech);
    const float rest = std::log((1.0f - probability) / 5.0f);
    if (prefix.size() >= 10) {
      row[10] = 0.0f;
    } else {
      for (size_t v = 4; v < 9; ++v) row[v] = rest;
      row[1] = std::log(probability);
    }
    return row;
  };
}

Result<FallbackResult> Decode(TokenScorer& scorer, const FallbackOptions& options,
                              FunctionRef<std::string(std::span<const int>)> text_of,
                              const std::stop_token& stop = {}) {
  SampleGenerator generator{3};
  return DecodeWithFallback(scorer, WhisperRules::Create(kIds, kVocabulary, false).value(),
                            kPlainPrompt, options, text_of, generator, stop);
}

constexpr auto kPlainText = [](std::span<const int>) { return std::string("  Hello world.\n"); };

TEST(WhisperFallbackTest, AGoodDecodingIsTheOnlyOne) {
  CountingScorer scorer(Words(0.9f));
  const auto result = Decode(scorer, {.decode = {.beam_size = 3, .best_of = 5}}, kPlainText);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(scorer.widths, (std::vector<size_t>{3})) << "one run, with the beam";
  EXPECT_EQ(result->decoding.temperature, 0.0);
  EXPECT_EQ(result->decoding.tokens, (std::vector<int>(6, 1)));
  EXPECT_DOUBLE_EQ(result->compression_ratio, 12.0 / 20.0) << "white space around it is left out";
}

TEST(WhisperFallbackTest, ImprobableTextGoesDownTheLadder) {
  CountingScorer scorer(Words(0.17f));
  const auto result = Decode(scorer, {.decode = {.beam_size = 3, .best_of = 5}}, kPlainText);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(scorer.widths, (std::vector<size_t>{3, 5, 5, 5, 5, 5}))
      << "the beam at temperature 0 only, samples above";
  EXPECT_EQ(result->decoding.temperature, 1.0) << "the last one stays";
  EXPECT_LT(result->decoding.avg_log_prob, -1.0);
}

TEST(WhisperFallbackTest, AThresholdMayEndTheLadderEarly) {
  CountingScorer scorer(Words(0.17f));
  const FallbackOptions options{.temperatures = {0.0, 0.4, 0.8}, .thresholds = {.log_prob = -9}};
  ASSERT_TRUE(Decode(scorer, options, kPlainText).ok());
  EXPECT_EQ(scorer.widths.size(), 1u);
  // The text gets better at the second temperature.
  int calls = 0;
  const auto text_of = [&](std::span<const int>) {
    return ++calls == 1 ? Repeated("so, ", 50) : std::string("Hello world.");
  };
  const auto result = Decode(scorer, options, text_of);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->decoding.temperature, 0.4);
  EXPECT_DOUBLE_EQ(result->compression_ratio, 12.0 / 20.0);
}

TEST(WhisperFallbackTest, RepetitiveTextGoesDownTheLadder) {
  CountingScorer scorer(Words(0.9f));
  const auto text_of = [](std::span<const int>) { return Repeated("so, ", 50); };
  const auto result = Decode(scorer, {.temperatures = {0.0, 0.5}}, text_of);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(scorer.widths.size(), 2u);
  EXPECT_EQ(result->decoding.temperature, 0.5);
  EXPECT_GT(result->compression_ratio, 2.4);
}

TEST(WhisperFallbackTest, SilenceDoesNotGoDownTheLadder) {
  CountingScorer scorer(Words(0.17f, 0.8f));
  const auto text_of = [](std::span<const int>) { return Repeated("so, ", 50); };
  const auto result = Decode(scorer, {}, text_of);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(scorer.widths.size(), 1u);
  EXPECT_TRUE(IsSilentWindow(result->decoding.no_speech_prob, result->decoding.avg_log_prob, {}));
}

TEST(WhisperFallbackTest, ACutLoopGoesDownTheLadder) {
  CountingScorer scorer(
      [](const std::vector<int>&) {
        std::vector<float> row(kVocabulary, -20.0f);
        row[1] = -0.001f;
        return row;
      },
      448);
  const auto result = Decode(scorer, {.temperatures = {0.0, 0.2}}, kPlainText);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(scorer.widths.size(), 2u);
  EXPECT_EQ(result->decoding.outcome, DecodeOutcome::kRepetition);
}

TEST(WhisperFallbackTest, ErrorsPass) {
  CountingScorer scorer(Words(0.9f));
  EXPECT_EQ(Decode(scorer, {.temperatures = {}}, kPlainText).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(Decode(scorer, {.temperatures = {-1.0}}, kPlainText).status().code(),
            StatusCode::kInvalidArgument);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(Decode(scorer, {}, kPlainText, source.get_token()).status().code(),
            StatusCode::kCancelled);
  CountingScorer broken([](const std::vector<int>&) {
    return std::vector<float>(kVocabulary, std::numeric_limits<float>::quiet_NaN());
  });
  EXPECT_EQ(Decode(broken, {}, kPlainText).status().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace espalier
