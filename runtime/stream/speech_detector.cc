#include "runtime/stream/speech_detector.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace espalier {
namespace {

constexpr double kDecibelsPerNeper = 10.0 / std::numbers::ln10;  // of power
constexpr float kQuietestDb = -70.0f;
constexpr float kRangeDb = 35.0f;  // what lies further below the loudest band is its floor

// Voiced frames that a judgement needs.
constexpr int kFewestFrames = 15;
constexpr double kModulationToBeginDb = 3.0, kMotionToBeginDb = 4.2;
constexpr double kModulationIfLikelyDb = 2.0, kMotionIfLikelyDb = 3.4;
constexpr double kModulationToGoOnDb = 1.2, kMotionToGoOnDb = 2.5;

// A rest is this far below the loudest of the last seconds; or it is further below, and no louder
// than their quietest.
constexpr double kFarBelowDb = 30.0, kBelowDb = 15.0, kAboveQuietDb = 6.0;
// How fast the range comes back: a loud word counts for some seconds, a noise that sets in
// likewise.
constexpr double kLoudDecayDb = 0.04, kQuietDecayDb = 0.2, kLeastPower = 1e-6;

// Triangles of height 1: with areas of 1 the shape would depend on the bands' widths.
std::vector<float> UnitFilterbank(int sample_rate, int n_fft, int bands) {
  std::vector<float> bank = SlaneyMelFilterbank(sample_rate, n_fft, bands);
  const auto width = static_cast<size_t>(bands);
  for (size_t band = 0; band < width; ++band) {
    float peak = 0;
    for (size_t i = band; i < bank.size(); i += width) peak = std::max(peak, bank[i]);
    for (size_t i = band; peak > 0 && i < bank.size(); i += width) bank[i] /= peak;
  }
  return bank;
}

}  // namespace

SpeechDetector::SpeechDetector(std::unique_ptr<VoiceDetector> voice,
                               std::unique_ptr<LogMel> spectrum)
    : voice_(std::move(voice)), log_mel_(std::move(spectrum)), spectrum_(*log_mel_) {}

Result<std::unique_ptr<SpeechDetector>> SpeechDetector::Create(int strictness) {
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<VoiceDetector> voice, VoiceDetector::Create(strictness));
  const LogMelConfig config{.sample_rate = kVoiceSampleRate,
                            .n_fft = 512,
                            .win_length = 400,
                            .hop_length = kVoiceFrameSamples,
                            .mel_count = kBands};
  ESP_ASSIGN_OR_RETURN(
      std::unique_ptr<LogMel> spectrum,
      LogMel::Create(config, UnitFilterbank(config.sample_rate, config.n_fft, kBands)));
  return std::unique_ptr<SpeechDetector>(new SpeechDetector(std::move(voice), std::move(spectrum)));
}

void LevelRange::Push(double power) {
  powers_[static_cast<size_t>(count_++ % kSmoothed)] = power;
  const double sum = std::accumulate(powers_.begin(), powers_.end(), 0.0);
  const auto steps = static_cast<double>(std::min<int64_t>(count_, kSmoothed));
  level_db_ = 10.0 * std::log10(sum / steps + kLeastPower);
  loud_db_ = count_ == 1 ? level_db_ : std::max(level_db_, loud_db_ - kLoudDecayDb);
  quiet_db_ = count_ == 1 ? level_db_ : std::min(level_db_, quiet_db_ + kQuietDecayDb);
}

bool LevelRange::InARest() const {
  const double quiet = std::min(quiet_db_ + kAboveQuietDb, loud_db_ - kBelowDb);
  return level_db_ < std::max(loud_db_ - kFarBelowDb, quiet);
}

SpeechFrame SpeechDetector::Push(std::span<const float> samples) {
  const bool voiced = voice_->Process(samples);
  double power = 0;
  for (const float sample : samples) power += double{sample} * double{sample};
  levels_.Push(std::isfinite(power) ? power / static_cast<double>(samples.size()) : 0);
  voiced_.push_back(voiced);
  frames_.clear();
  spectrum_.Push(samples, &frames_);
  for (size_t i = 0; i < frames_.size(); i += kBands) {
    AddSpectrum(std::span<const float>(frames_).subspan(i, kBands));
  }
  return Judge(voiced);
}

void SpeechDetector::AddSpectrum(std::span<const float> log_mel) {
  Bands bands;
  double power = 0;
  for (size_t i = 0; i < bands.size(); ++i) {
    const auto db = static_cast<float>(double{log_mel[i]} * kDecibelsPerNeper);
    bands[i] = std::max(std::isfinite(db) ? db : kQuietestDb, kQuietestDb);
    power += std::pow(10.0, double{bands[i]} / 10.0);
  }
  Evidence& evidence = evidence_[static_cast<size_t>(spectrum_count_ % kWindowFrames)];
  evidence = {.voiced = voiced_.front(), .level_db = 10.0 * std::log10(power), .motion_db = 0};
  voiced_.erase(voiced_.begin());

  // Both shapes relative to their loudest band; bands that are quiet in both say nothing.
  Bands& before = recent_[static_cast<size_t>(spectrum_count_ % kMotionFrames)];
  const float loudest = *std::max_element(bands.begin(), bands.end());
  const float loudest_before = *std::max_element(before.begin(), before.end());
  std::array<double, kBands> change;
  size_t count = 0;
  double mean = 0;
  for (size_t i = 0; i < bands.size(); ++i) {
    const float now = std::max(bands[i] - loudest, -kRangeDb);
    const float then = std::max(before[i] - loudest_before, -kRangeDb);
    if (now < -kRangeDb + 5.0f && then < -kRangeDb + 5.0f) continue;
    change[count] = double{now} - double{then};
    mean += change[count++];
  }
  mean /= static_cast<double>(std::max<size_t>(count, 1));
  for (size_t i = 0; i < count; ++i) evidence.motion_db += std::abs(change[i] - mean);
  evidence.motion_db /= static_cast<double>(std::max<size_t>(count, 1));
  before = bands;
  ++spectrum_count_;
}

SpeechFrame SpeechDetector::Judge(bool voiced) const {
  SpeechFrame frame{.voiced = voiced};
  if (!voiced) return frame;
  int count = 0;
  double sum = 0, squares = 0, motion = 0;
  for (const Evidence& evidence : evidence_) {
    if (!evidence.voiced) continue;
    ++count;
    sum += evidence.level_db;
    squares += evidence.level_db * evidence.level_db;
    motion += evidence.motion_db;
  }
  if (count < kFewestFrames) return frame;
  const double mean = sum / count;
  const double modulation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  motion /= count;
  frame.speech = modulation > kModulationToGoOnDb && motion > kMotionToGoOnDb && !levels_.InARest();
  frame.likely = modulation > kModulationIfLikelyDb && motion > kMotionIfLikelyDb;
  frame.begins = modulation > kModulationToBeginDb && motion > kMotionToBeginDb;
  return frame;
}

}  // namespace espalier
