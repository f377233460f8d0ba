#include "runtime/stream/live_decoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "runtime/base/string_format.h"
#include "runtime/search/ctc_alignment.h"
#include "runtime/search/repetition.h"
#include "runtime/search/token_set.h"
#include "runtime/session/gate_look.h"
#include "runtime/session/window.h"
#include "runtime/stream/said_again.h"

namespace espalier {
namespace {

// What Whisper reads well is at least a second long, where the model does not say otherwise; no
// convolutions need more than a fifth.
constexpr double kShortestWindowS = 1.0, kShortestAnywayS = 0.2;

// Whisper reads windows that are not padded to 30 s, given some silence behind the audio. Of other
// families nobody has shown it.
constexpr int kWhisperPaddingMs = 2000;
constexpr int kWholeWindow = -1;

int FewestFrames(const ModelConfig& config) {
  const double seconds =
      config.true_length ? std::max(config.true_length->min_s, kShortestAnywayS) : kShortestWindowS;
  const FrontendConfig& frontend = config.frontend;
  return static_cast<int>(std::ceil(seconds * frontend.sample_rate / frontend.hop_length));
}

// In a short window a loop is shorter than in one of 30 s: what nobody can say in that time is one.
RepetitionOptions LoopsOfWindow(int64_t content_ms) {
  constexpr int64_t kFewestTokens = 12, kTokensIn10S = 65;
  RepetitionOptions options;
  options.min_loop_tokens = static_cast<int>(std::min<int64_t>(
      options.min_loop_tokens, std::max(kFewestTokens, content_ms * kTokensIn10S / 10'000)));
  return options;
}

// What LogMel gives for digital silence.
float SilentFeature(ModelFamily family) {
  constexpr auto kFloor = static_cast<float>(kMelFloor);
  return family == ModelFamily::kOwsm ? std::log(kFloor) : std::log10(kFloor);
}

// < 0: the whole window.
int PaddingFrames(const FrontendConfig& frontend, int padding_ms) {
  if (padding_ms < 0) return -1;
  return static_cast<int>(int64_t{padding_ms} * frontend.sample_rate / 1000 / frontend.hop_length);
}

}  // namespace

int LivePaddingMs(const ModelConfig& config) {
  if (config.true_length) return static_cast<int>(std::lround(config.true_length->tail_s * 1000));
  return config.family == ModelFamily::kWhisper ? kWhisperPaddingMs : kWholeWindow;
}

LiveDecoder::LiveDecoder(std::shared_ptr<Engine> engine, LiveVocabulary vocabulary,
                         const LiveDecoderOptions& options)
    : engine_(std::move(engine)),
      computing_(engine_),
      vocabulary_(std::move(vocabulary)),
      inference_(std::make_unique<Inference>(
          computing_,
          InferenceOptions{
              .alignment = true,
              .tokens = options.restrict_vocabulary ? engine_->LatinTokens() : nullptr})),
      restricts_vocabulary_(options.restrict_vocabulary),
      padding_frames_(PaddingFrames(engine_->config().frontend, options.encoder_padding_ms)),
      max_frames_(SizesOf(engine_->config()).frames),
      fewest_frames_(std::min(FewestFrames(engine_->config()), max_frames_)),
      frames_per_step_(FramesPerStep(engine_->config().encoder)),
      log_probs_(2 * static_cast<size_t>(engine_->config().vocabulary_size)),
      allowed_(TokenWordCount(engine_->config().vocabulary_size)) {
  choices_.Resize(1, inference_->choice_count());
}

Result<std::unique_ptr<LiveDecoder>> LiveDecoder::Create(std::shared_ptr<Engine> engine,
                                                         const LiveDecoderOptions& options) {
  const ModelConfig& config = engine->config();
  const int step = FramesPerStep(config.encoder) * config.frontend.hop_length;
  if (int64_t{step} * 1000 < config.frontend.sample_rate) {
    return Unsupported(StrFormat("%s: an encoder step of %d samples, less than a millisecond",
                                 config.name.c_str(), step));
  }
  ESP_ASSIGN_OR_RETURN(LiveVocabulary vocabulary, LiveVocabulary::Create(*engine));
  return std::unique_ptr<LiveDecoder>(
      new LiveDecoder(std::move(engine), std::move(vocabulary), options));
}

void LiveDecoder::set_stop(const std::stop_token& stop) {
  stop_ = stop;
  inference_->set_stop(stop);
}

Status LiveDecoder::MoveToCpu() {
  ESP_ASSIGN_OR_RETURN(inference_, inference_->OnCpu());
  computing_ = inference_->engine();
  return OkStatus();
}

Status LiveDecoder::Embed(std::span<const float> frames) {
  const auto mels = static_cast<size_t>(engine_->config().frontend.mel_count);
  const auto count = static_cast<int>(frames.size() / mels);
  int padded = max_frames_;
  if (padding_frames_ >= 0) {
    padded = std::max(count + padding_frames_, fewest_frames_);
    padded = (padded + frames_per_step_ - 1) / frames_per_step_ * frames_per_step_;
    padded = std::min(padded, max_frames_);
  }
  window_.assign(frames.begin(), frames.end());
  window_.resize(static_cast<size_t>(padded) * mels, SilentFeature(engine_->config().family));
  if (engine_->config().family == ModelFamily::kWhisper) NormalizeWhisperWindow(window_);
  ESP_RETURN_IF_ERROR(inference_->Embed(window_));
  content_steps_ = std::min(inference_->encoder_steps(),
                            (std::min(count, padded) + frames_per_step_ - 1) / frames_per_step_);
  return OkStatus();
}

Result<GateMask> LiveDecoder::LookAtGates(const Context& context) {
  return GatesOf(*computing_, context, *inference_);
}

void LiveDecoder::ExpectContext(const Context& context) {
  if (restricts_vocabulary_) inference_->ScoreOnly(engine_->TokensOf(context.written_in));
}

// Padding attracts attention of its own; a token is where it looks most within the audio.
Result<int> LiveDecoder::StepOf(int row) {
  if (!inference_->HasAlignment() || content_steps_ == 0) return -1;
  ESP_ASSIGN_OR_RETURN(const std::span<const float> weights, inference_->AlignmentRow(row));
  const auto end = weights.begin() + content_steps_;
  return static_cast<int>(std::max_element(weights.begin(), end) - weights.begin());
}

Status LiveDecoder::Start(std::span<const int> prompt, int length, LiveHypothesis* hypothesis) {
  const size_t vocabulary_size = log_probs_.size() / 2;
  const int no_speech_row = vocabulary_.NoSpeechRow(prompt);
  const std::array rows = {static_cast<int>(prompt.size()) - 1, no_speech_row};
  const size_t asked = no_speech_row >= 0 ? 2 : 1;
  const std::span<float> log_probs = std::span<float>(log_probs_).first(asked * vocabulary_size);
  ESP_RETURN_IF_ERROR(inference_->Start(prompt, std::span(rows).first(asked), log_probs));
  if (no_speech_row >= 0) {
    const auto token = static_cast<size_t>(vocabulary_.no_speech_token());
    hypothesis->no_speech_prob = std::exp(double{log_probs[vocabulary_size + token]});
  }
  vocabulary_.Allow(length, allowed_);
  choices_.Pick(0, log_probs.first(vocabulary_size), allowed_, vocabulary_.groups());
  return OkStatus();
}

Status LiveDecoder::Advance(int token, int length) {
  vocabulary_.Allow(length, allowed_);
  constexpr std::array kParent = {0};
  const std::array tokens = {token};
  return inference_->AdvanceAndPick({.parents = kParent, .tokens = tokens, .allowed = allowed_},
                                    vocabulary_.groups(), &choices_);
}

Result<bool> LiveDecoder::Extend(LiveHypothesis* hypothesis) {
  const TokenChoices::Group text = choices_.others(0);  // times are never allowed
  if (!std::isfinite(text.log_sum)) return Internal("no token has a finite log-probability");
  const int token = text.tokens[0];
  if (token == vocabulary_.end_token()) return false;
  hypothesis->tokens.push_back({.id = token, .log_prob = text.best() - text.log_sum, .step = -1});
  return true;
}

Result<LiveHypothesis> LiveDecoder::Decode(const Context& context, std::span<const int> previous,
                                           std::span<const int> prefix,
                                           const LiveDecodeOptions& options) {
  const int positions = inference_->max_positions();
  ESP_ASSIGN_OR_RETURN(std::vector<int> prompt, vocabulary_.Prompt(context, previous, positions));
  prompt.insert(prompt.end(), prefix.begin(), prefix.end());
  const auto fed = static_cast<int>(prompt.size());
  if (fed >= positions) return Exhausted("the decoder has no room behind the text so far");
  const int limit = std::min(options.token_limit, positions - fed);

  LiveHypothesis hypothesis;
  ESP_RETURN_IF_ERROR(Start(prompt, static_cast<int>(prefix.size()), &hypothesis));
  std::vector<int> ids(prefix.begin(), prefix.end());
  const FrontendConfig& frontend = engine_->config().frontend;
  const int64_t content_ms = int64_t{content_steps_} * frames_per_step_ * frontend.hop_length *
                             1000 / frontend.sample_rate;
  const RepetitionOptions repetition = LoopsOfWindow(content_ms);
  SaidAgain again(content_steps_,
                  frames_per_step_ * frontend.hop_length * 1000 / frontend.sample_rate,
                  options.heard_step);
  for (int row = fed - 1;; row = 0) {
    if (stop_.stop_requested()) return Cancelled("live decoding was cancelled");
    ESP_ASSIGN_OR_RETURN(const bool more, Extend(&hypothesis));
    if (!more) return hypothesis;
    LiveToken& token = hypothesis.tokens.back();
    ESP_ASSIGN_OR_RETURN(token.step, StepOf(row));
    ids.push_back(token.id);
    // OWSM's decoder knows ends of all lengths, and heads that were not trained to look where the
    // sound is would take a last word for one said again.
    if (engine_->config().family == ModelFamily::kWhisper && again.Add(token.step)) {
      const size_t size = hypothesis.tokens.size();
      hypothesis.tokens.resize(size - std::min<size_t>(size, SaidAgain::kTokens));
      return hypothesis;
    }
    const RepeatedTail tail = FindRepeatedTail(ids, repetition);
    if (tail.period > 0) {
      const int kept = LengthWithoutLoop(static_cast<int>(ids.size()), tail, repetition);
      const int behind = std::max(kept - static_cast<int>(prefix.size()), 0);
      hypothesis.tokens.resize(static_cast<size_t>(behind));
      hypothesis.outcome = DecodeOutcome::kRepetition;
      return hypothesis;
    }
    if (options.stop_step >= 0 && token.step >= options.stop_step) return hypothesis;
    if (static_cast<int>(hypothesis.tokens.size()) >= limit) {
      hypothesis.outcome = DecodeOutcome::kTruncated;
      return hypothesis;
    }
    ESP_RETURN_IF_ERROR(Advance(token.id, static_cast<int>(ids.size())));
  }
}

Result<std::vector<float>> LiveDecoder::Attend(const Context& context, std::span<const int> tokens,
                                               const std::pair<int, int>& head) {
  ESP_RETURN_IF_ERROR(inference_->AlignBy({head}));
  ESP_ASSIGN_OR_RETURN(std::vector<int> prompt,
                       vocabulary_.Prompt(context, {}, inference_->max_positions()));
  const size_t before = prompt.size() - 1;  // this row predicts the first token
  prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  ESP_RETURN_IF_ERROR(inference_->Start(prompt, std::array{0},
                                        std::span<float>(log_probs_).first(log_probs_.size() / 2)));
  std::vector<float> weights;
  for (size_t i = 0; i < tokens.size(); ++i) {
    ESP_ASSIGN_OR_RETURN(const std::span<const float> row,
                         inference_->AlignmentRow(static_cast<int>(before + i)));
    weights.insert(weights.end(), row.begin(), row.begin() + content_steps_);
  }
  ESP_RETURN_IF_ERROR(inference_->AlignBy({}));
  return weights;
}

Result<std::vector<int>> LiveDecoder::StepsHeard() {
  ESP_ASSIGN_OR_RETURN(const std::span<const float> log_probs, CtcLogProbs());
  const ModelConfig& config = engine_->config();
  return StepsWithTokens(log_probs, config.vocabulary_size, config.owsm->blank_id);
}

Result<std::span<const float>> LiveDecoder::CtcLogProbs() {
  ESP_ASSIGN_OR_RETURN(const std::span<const float> log_probs, inference_->CtcLogProbs());
  return log_probs.first(static_cast<size_t>(content_steps_) *
                         static_cast<size_t>(inference_->vocabulary_size()));
}

}  // namespace espalier
