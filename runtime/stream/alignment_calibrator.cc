#include "runtime/stream/alignment_calibrator.h"

#include <algorithm>
#include <cmath>

#include "runtime/audio/voice_detector.h"
#include "runtime/base/string_format.h"
#include "runtime/model/alignment.h"
#include "runtime/search/ctc_alignment.h"
#include "runtime/session/context.h"
#include "runtime/session/window.h"

namespace espalier {
namespace {

constexpr size_t kMostHeads = 8;
// Heads that bring the mean less than this nearer only cost time.
constexpr double kLeastGain = 0.01;
// A head that is so much farther away than the nearest one may help these clips, but by chance.
constexpr double kFarthest = 2;
constexpr int kStrictness = 2;
// As LiveSession has it.
constexpr int kTokensPerSecond = 14, kTokensAnyway = 16;

}  // namespace

AlignmentCalibrator::AlignmentCalibrator(std::shared_ptr<Engine> engine,
                                         std::unique_ptr<LiveDecoder> decoder)
    : engine_(std::move(engine)), decoder_(std::move(decoder)) {
  const FrontendConfig& frontend = engine_->config().frontend;
  step_ms_ = 1000.0 * decoder_->frames_per_step() * frontend.hop_length / frontend.sample_rate;
}

Result<std::unique_ptr<AlignmentCalibrator>> AlignmentCalibrator::Create(
    std::shared_ptr<Engine> engine) {
  if (engine->config().frontend.sample_rate != kVoiceSampleRate) {
    return Unsupported(StrFormat("%s: alignment is calibrated at %d Hz, this model has %d",
                                 engine->config().name.c_str(), kVoiceSampleRate,
                                 engine->config().frontend.sample_rate));
  }
  ESP_ASSIGN_OR_RETURN(
      std::unique_ptr<LiveDecoder> decoder,
      LiveDecoder::Create(engine, {.encoder_padding_ms = LivePaddingMs(engine->config())}));
  return std::unique_ptr<AlignmentCalibrator>(
      new AlignmentCalibrator(std::move(engine), std::move(decoder)));
}

Result<std::string> AlignmentCalibrator::Listen(std::span<const float> samples,
                                                const std::string& language) {
  const ModelConfig& config = engine_->config();
  const auto most = static_cast<size_t>(WindowSamples(config) - config.frontend.hop_length);
  samples = samples.first(std::min(samples.size(), most));
  ESP_RETURN_IF_ERROR(decoder_->Embed(engine_->log_mel().Compute(samples)));
  std::string spoken = language;
  if (language == "auto") {
    ESP_ASSIGN_OR_RETURN(spoken, decoder_->HearLanguage());
  }
  ESP_ASSIGN_OR_RETURN(const Context context, ResolveContext(*engine_, spoken, "transcribe"));
  // A closed layer's heads could not be heard.
  ESP_RETURN_IF_ERROR(decoder_->Encode(AllOpen(config)));
  const auto limit = static_cast<int>(samples.size() * kTokensPerSecond / kVoiceSampleRate);
  ESP_ASSIGN_OR_RETURN(const LiveHypothesis said,
                       decoder_->Decode(context, {}, {}, {.token_limit = kTokensAnyway + limit}));
  if (said.tokens.empty() || said.outcome != DecodeOutcome::kComplete) return std::string();
  std::vector<int> tokens;
  for (const LiveToken& token : said.tokens) tokens.push_back(token.id);
  Clip clip{.steps = static_cast<size_t>(decoder_->content_steps())};
  ESP_ASSIGN_OR_RETURN(clip.truth, TokenSteps(samples, tokens));
  if (clip.truth.empty()) return std::string();
  for (int layer = 0; layer < config.decoder.layers; ++layer) {
    for (int head = 0; head < config.decoder.heads; ++head) {
      ESP_ASSIGN_OR_RETURN(std::vector<float> looks,
                           decoder_->Attend(context, tokens, {layer, head}));
      clip.looks.push_back(std::move(looks));
    }
  }
  clips_.push_back(std::move(clip));
  return decoder_->vocabulary().Text(tokens);
}

Result<std::vector<double>> AlignmentCalibrator::TokenSteps(std::span<const float> samples,
                                                            const std::vector<int>& tokens) {
  const ModelConfig& config = engine_->config();
  if (!config.has_ctc) return SpreadOverVoices(samples, tokens);
  ESP_ASSIGN_OR_RETURN(const std::span<const float> log_probs, decoder_->CtcLogProbs());
  const Result<std::vector<int>> at =
      AlignByCtc(log_probs, config.vocabulary_size, config.owsm->blank_id, tokens);
  if (!at.ok()) return std::vector<double>();  // more text than steps
  return std::vector<double>(at->begin(), at->end());
}

// A token is where the middle of its bytes is.
Result<std::vector<double>> AlignmentCalibrator::SpreadOverVoices(
    std::span<const float> samples, const std::vector<int>& tokens) const {
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<VoiceDetector> voice,
                       VoiceDetector::Create(kStrictness));
  std::vector<size_t> voiced;  // frames of 10 ms
  for (size_t frame = 0; (frame + 1) * kVoiceFrameSamples <= samples.size(); ++frame) {
    if (voice->Process(samples.subspan(frame * kVoiceFrameSamples, kVoiceFrameSamples))) {
      voiced.push_back(frame);
    }
  }
  std::vector<double> ends = {0};
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto token = std::span<const int>(tokens).subspan(i, 1);
    ends.push_back(ends.back() +
                   static_cast<double>(engine_->tokenizer().DecodeBytes(token).size()));
  }
  if (voiced.empty() || ends.back() == 0) return std::vector<double>();
  constexpr double kFrameMs = 1000.0 * kVoiceFrameSamples / kVoiceSampleRate;
  std::vector<double> steps;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const double share = (ends[i] + ends[i + 1]) / 2 / ends.back();
    const auto at = static_cast<size_t>(share * static_cast<double>(voiced.size()));
    const size_t frame = voiced[std::min(at, voiced.size() - 1)];
    steps.push_back(static_cast<double>(frame) * kFrameMs / step_ms_);
  }
  return steps;
}

size_t AlignmentCalibrator::IndexOf(const std::pair<int, int>& head) const {
  return static_cast<size_t>(head.first * engine_->config().decoder.heads + head.second);
}

double AlignmentCalibrator::DistanceMs(const std::vector<size_t>& heads) const {
  double sum = 0;
  size_t count = 0;
  std::vector<float> mean;
  for (const Clip& clip : clips_) {
    for (size_t i = 0; i < clip.truth.size(); ++i) {
      mean.assign(clip.steps, 0);
      for (const size_t head : heads) {
        const float* row = clip.looks[head].data() + i * clip.steps;
        for (size_t step = 0; step < clip.steps; ++step) mean[step] += row[step];
      }
      const auto at =
          static_cast<double>(std::max_element(mean.begin(), mean.end()) - mean.begin());
      sum += std::min(std::abs(at - clip.truth[i]) * step_ms_, kFarMs);
      ++count;
    }
  }
  return sum / static_cast<double>(std::max<size_t>(count, 1));
}

Result<AlignmentChoice> AlignmentCalibrator::Choose() const {
  if (clips_.empty()) return InvalidArgument("nothing was understood: name clips of clear speech");
  const ModelConfig& config = engine_->config();
  AlignmentChoice choice;
  for (const Clip& clip : clips_) choice.token_count += static_cast<int>(clip.truth.size());
  for (int layer = 0; layer < config.decoder.layers; ++layer) {
    for (int head = 0; head < config.decoder.heads; ++head) {
      choice.heads.push_back({layer, head, DistanceMs({IndexOf({layer, head})})});
    }
  }
  std::stable_sort(
      choice.heads.begin(), choice.heads.end(),
      [](const HeadDistance& a, const HeadDistance& b) { return a.distance_ms < b.distance_ms; });

  std::vector<size_t> chosen, present;
  choice.chosen_ms = kFarMs + 1;
  for (bool nearer = true; nearer && chosen.size() < kMostHeads;) {
    nearer = false;
    std::pair<int, int> best;
    double best_ms = choice.chosen_ms * (1 - kLeastGain);
    for (const HeadDistance& head : choice.heads) {
      if (head.distance_ms > kFarthest * choice.heads[0].distance_ms) break;
      std::vector<size_t> more = chosen;
      more.push_back(IndexOf({head.layer, head.head}));
      if (std::find(chosen.begin(), chosen.end(), more.back()) != chosen.end()) continue;
      const double distance_ms = DistanceMs(more);
      if (distance_ms >= best_ms) continue;
      best_ms = distance_ms;
      best = {head.layer, head.head};
      nearer = true;
    }
    if (!nearer) break;
    chosen.push_back(IndexOf(best));
    choice.chosen.push_back(best);
    choice.chosen_ms = best_ms;
  }
  std::sort(choice.chosen.begin(), choice.chosen.end());
  for (const auto& head : AlignmentHeads(config, AllOpen(config).decoder)) {
    present.push_back(IndexOf(head));
  }
  choice.present_ms = DistanceMs(present);
  return choice;
}

}  // namespace espalier
