#include "runtime/session/window.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier {
namespace {

constexpr size_t kReadSamples = 16384;

}  // namespace

int FramesPerStep(const EncoderConfig& encoder) {
  switch (encoder.subsampling) {
    case Subsampling::kConv1d:
      return 2;
    case Subsampling::kConv2d:
      return 4;
    case Subsampling::kConv2d8:
      return 8;
  }
  return 1;
}

AudioWindow::AudioWindow(AudioReader* audio, int64_t window_samples, int64_t limit_samples)
    : audio_(audio),
      window_samples_(static_cast<size_t>(window_samples)),
      limit_samples_(limit_samples) {
  samples_.reserve(window_samples_);
}

Result<size_t> AudioWindow::ReadMore(std::span<float> out) {
  if (limit_samples_ >= 0) {
    const int64_t left = std::max<int64_t>(0, limit_samples_ - read_samples_);
    out = out.first(std::min(out.size(), static_cast<size_t>(left)));
  }
  if (out.empty()) return size_t{0};
  ESP_ASSIGN_OR_RETURN(const size_t count, audio_->Read(out));
  read_samples_ += static_cast<int64_t>(count);
  return count;
}

Status AudioWindow::Skip(int64_t sample_count) {
  std::vector<float> discarded(kReadSamples);
  const int64_t limit = std::exchange(limit_samples_, -1);
  for (int64_t left = sample_count; left > 0;) {
    const auto chunk = static_cast<size_t>(std::min<int64_t>(left, kReadSamples));
    ESP_ASSIGN_OR_RETURN(const size_t count, ReadMore(std::span(discarded).first(chunk)));
    if (count == 0) break;
    left -= static_cast<int64_t>(count);
  }
  begin_ = read_samples_;
  limit_samples_ = limit < 0 ? limit : limit + read_samples_;
  return OkStatus();
}

Status AudioWindow::Fill() {
  while (!ended_ && samples_.size() < window_samples_) {
    const size_t have = samples_.size();
    samples_.resize(std::min(window_samples_, have + kReadSamples));
    const Result<size_t> count = ReadMore(std::span(samples_).subspan(have));
    samples_.resize(have + (count.ok() ? *count : 0));
    if (!count.ok()) return count.status();
    if (*count == 0) ended_ = true;
  }
  return OkStatus();
}

Status AudioWindow::Advance(int64_t sample_count) {
  const int64_t target = begin_ + sample_count;
  while (begin_ < target) {
    const int64_t step = std::min<int64_t>(target - begin_, static_cast<int64_t>(samples_.size()));
    samples_.erase(samples_.begin(), samples_.begin() + step);
    begin_ += step;
    if (begin_ == target || ended_) break;
    ESP_RETURN_IF_ERROR(Fill());
  }
  return OkStatus();
}

int64_t WindowSamples(const ModelConfig& config) {
  const double seconds = config.family == ModelFamily::kOwsm ? config.owsm->speech_length_s
                                                             : config.whisper->chunk_length_s;
  return std::llround(seconds * config.frontend.sample_rate);
}

int64_t FedSamples(const ModelConfig& config, int64_t sample_count) {
  const int64_t window = WindowSamples(config);
  if (!config.true_length) return window;
  const TrueLengthConfig& input = *config.true_length;
  const double rate = config.frontend.sample_rate;
  const int64_t wanted =
      std::max(sample_count + std::llround(input.tail_s * rate), std::llround(input.min_s * rate));
  const int64_t step = int64_t{config.frontend.hop_length} * FramesPerStep(config.encoder);
  return std::min(window, (wanted + step - 1) / step * step);
}

std::vector<float> WindowFeatures(const Engine& engine, std::span<const float> samples) {
  const ModelConfig& config = engine.config();
  const size_t count = std::min(samples.size(), static_cast<size_t>(WindowSamples(config)));
  const auto fed = static_cast<size_t>(FedSamples(config, static_cast<int64_t>(count)));
  std::vector<float> padded(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count));
  padded.resize(fed, 0.0f);
  std::vector<float> features = engine.log_mel().Compute(padded);
  if (config.family == ModelFamily::kWhisper) {
    // openai-whisper's log_mel_spectrogram drops the last frame.
    const size_t frames = fed / static_cast<size_t>(config.frontend.hop_length);
    features.resize(frames * static_cast<size_t>(config.frontend.mel_count));
    NormalizeWhisperWindow(features);
  }
  return features;
}

}  // namespace espalier
