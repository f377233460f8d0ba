// Whisper's long form (openai-whisper transcribe.py): windows that follow each other by their time
// tokens, with temperature fallback and the rule for silent windows.
#include <algorithm>

#include "runtime/search/segments.h"
#include "runtime/search/whisper_fallback.h"
#include "runtime/session/whisper_tokens.h"
#include "runtime/session/window_loop.h"

namespace espalier {
namespace {

// Above this temperature a window's text is no context for the next one (transcribe.py).
constexpr double kTrustedTemperature = 0.5;
constexpr uint64_t kSeed = 20240601;  // any; fixed so that a run can be repeated

class WhisperTranscriber final : public WindowLoop {
 public:
  explicit WhisperTranscriber(std::shared_ptr<Engine> engine)
      : WindowLoop(engine), ids_(WhisperTokenIdsOf(*engine->config().whisper)) {}

 private:
  Status Begin(const TranscribeOptions& options) override {
    if (options.ctc_weight > 0) return Unsupported("CTC weight: Whisper models have no CTC layer");
    ESP_ASSIGN_OR_RETURN(
        rules_, WhisperRules::Create(ids_, engine().config().vocabulary_size, options.timestamps));
    generator_.seed(kSeed);
    previous_.clear();
    if (!options.initial_prompt.empty()) {
      ESP_ASSIGN_OR_RETURN(previous_, engine().tokenizer().Encode(" " + options.initial_prompt));
    }
    return OkStatus();
  }

  // Shorter rests hold no word, and Whisper would invent one (openai's code decodes them).
  int64_t ShortestLaterWindow() const override { return sample_rate() / 10; }

  Result<int64_t> DecodeWindow(const AudioWindow& window, const TranscribeOptions& options,
                               const std::stop_token& stop,
                               std::vector<Segment>* segments) override {
    const bool true_length = engine().config().true_length.has_value();
    rules_->set_latest_time(true_length ? inference().encoder_steps() : -1);
    ESP_ASSIGN_OR_RETURN(const FallbackResult result, Decode(options, stop));
    const WhisperResult& decoding = result.decoding;
    const int64_t length = static_cast<int64_t>(window.samples().size());
    const FallbackThresholds thresholds = ThresholdsOf(options);
    if (IsSilentWindow(decoding.no_speech_prob, decoding.avg_log_prob, thresholds)) return length;

    const Segment base{.window_start_ms = Milliseconds(window.begin()),
                       .language = context().language,
                       .temperature = decoding.temperature,
                       .avg_log_prob = decoding.avg_log_prob,
                       .compression_ratio = result.compression_ratio,
                       .no_speech_prob = decoding.no_speech_prob,
                       .outcome = decoding.outcome};
    const int hop = engine().config().frontend.hop_length;
    WhisperSplit split;
    if (options.timestamps) {
      ESP_ASSIGN_OR_RETURN(
          split,
          SplitWhisperWindow(decoding.tokens,
                             {.start_frames = window.begin() / hop,
                              .length_frames = std::max(1, static_cast<int>(length / hop)),
                              .first_time = ids_.first_time},
                             [this](std::span<const int> tokens) { return HasWords(tokens); }));
    } else {
      const TokenSpan all{0, static_cast<int>(decoding.tokens.size())};
      split.segments.push_back(
          {Milliseconds(window.begin()), Milliseconds(window.begin() + length), all});
      if (!HasWords(decoding.tokens)) split.segments.clear();
    }
    for (const SegmentSpan& span : split.segments) {
      Segment segment = base;
      segment.start_ms = span.start_ms;
      segment.end_ms = span.end_ms;
      segment.tokens.assign(decoding.tokens.begin() + span.tokens.begin,
                            decoding.tokens.begin() + span.tokens.end);
      segment.log_probs.assign(decoding.log_probs.begin() + span.tokens.begin,
                               decoding.log_probs.begin() + span.tokens.end);
      segment.text = engine().tokenizer().Decode(segment.tokens);
      segments->push_back(std::move(segment));
    }
    Remember(options, decoding.temperature, *segments);
    const int64_t advance = int64_t{split.advance_frames} * hop;
    return options.timestamps && advance < length ? advance : length;
  }

  bool HasWords(std::span<const int> tokens) const {
    const std::string text = TextOf(tokens);
    return text.find_first_not_of(" \t\n\r") != std::string::npos;
  }
  std::string TextOf(std::span<const int> tokens) const { return tokenizer_.Decode(tokens); }

  // The first window's prompt is given once, the text of the windows only on request.
  void Remember(const TranscribeOptions& options, double temperature,
                const std::vector<Segment>& segments) {
    if (!options.carry_prompt || temperature > kTrustedTemperature) {
      previous_.clear();
      return;
    }
    for (const Segment& segment : segments) {
      previous_.insert(previous_.end(), segment.tokens.begin(), segment.tokens.end());
    }
  }

  static FallbackThresholds ThresholdsOf(const TranscribeOptions& options) {
    return {.compression_ratio = options.compression_ratio_threshold,
            .log_prob = options.log_prob_threshold,
            .no_speech = options.no_speech_threshold};
  }

  Result<FallbackResult> Decode(const TranscribeOptions& options, const std::stop_token& stop) {
    const std::vector<int> prompt = BuildWhisperPrompt(ids_,
                                                       {.previous = previous_,
                                                        .language = context().language_id,
                                                        .task = context().task_id,
                                                        .timestamps = options.timestamps},
                                                       inference().max_positions());
    const FallbackOptions fallback{
        .decode = {.beam_size = options.beam_size,
                   .best_of = std::min(kWhisperSampleCount, inference().max_hypotheses())},
        .temperatures = options.temperatures,
        .thresholds = ThresholdsOf(options)};
    return DecodeWithFallback(
        inference(), *rules_, prompt, fallback,
        [this](std::span<const int> tokens) { return TextOf(tokens); }, generator_, stop);
  }

  const WhisperTokenIds ids_;
  const Tokenizer& tokenizer_ = engine().tokenizer();
  std::optional<WhisperRules> rules_;
  SampleGenerator generator_{kSeed};
  std::vector<int> previous_;
};

}  // namespace

std::unique_ptr<Transcriber> MakeWhisperTranscriber(std::shared_ptr<Engine> engine) {
  return std::make_unique<WhisperTranscriber>(std::move(engine));
}

}  // namespace espalier
