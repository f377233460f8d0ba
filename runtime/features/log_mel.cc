#include "runtime/features/log_mel.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/string_format.h"
#include "runtime/features/frame_group.h"

namespace espalier {
namespace {

constexpr int kMaxFftSize = 16384;
constexpr int kMaxMelCount = 1024;

// w[n] = 0.5 - 0.5 cos(2πn / length): periodic, so w[length] would be 0 again.
std::vector<double> PeriodicHann(int length) {
  std::vector<double> window(static_cast<size_t>(length));
  for (int n = 0; n < length; ++n) {
    window[static_cast<size_t>(n)] = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * n / length);
  }
  return window;
}

Status CheckConfig(const LogMelConfig& c, const std::vector<float>& filterbank) {
  if (c.n_fft < 4 || c.n_fft > kMaxFftSize || c.n_fft % 2 != 0) {
    return InvalidArgument(
        StrFormat("n_fft: %d, expected an even number from 4 to %d", c.n_fft, kMaxFftSize));
  }
  if (c.win_length < 1 || c.win_length > c.n_fft) {
    return InvalidArgument(
        StrFormat("win_length: %d, expected 1 to n_fft = %d", c.win_length, c.n_fft));
  }
  if (c.hop_length < 1 || c.hop_length >= c.n_fft / 2) {
    return InvalidArgument(
        StrFormat("hop_length: %d, expected at least 1 and less than n_fft/2 = %d", c.hop_length,
                  c.n_fft / 2));
  }
  if (c.mel_count < 1 || c.mel_count > kMaxMelCount) {
    return InvalidArgument(StrFormat("mel_count: %d, expected 1 to %d", c.mel_count, kMaxMelCount));
  }
  const size_t expected = static_cast<size_t>(c.n_fft / 2 + 1) * static_cast<size_t>(c.mel_count);
  if (filterbank.size() != expected) {
    return InvalidArgument(StrFormat("mel filterbank: %zu values, expected (%d,%d)",
                                     filterbank.size(), c.n_fft / 2 + 1, c.mel_count));
  }
  if (!std::all_of(filterbank.begin(), filterbank.end(),
                   [](float w) { return std::isfinite(w); })) {
    return InvalidArgument("mel filterbank: has a value that is not a finite number");
  }
  return OkStatus();
}

}  // namespace

struct LogMel::Tables : FrameTables {};

struct StreamingLogMel::Scratch {
  std::vector<double> memory;
  double* aligned;

  explicit Scratch(const FrameTables& tables) {
    constexpr size_t kAlignment = 64;
    memory.resize(FrameScratchSize(tables) + kAlignment / sizeof(double));
    void* begin = memory.data();
    size_t size = memory.size() * sizeof(double);
    aligned = static_cast<double*>(
        std::align(kAlignment, FrameScratchSize(tables) * sizeof(double), begin, size));
  }
};

LogMel::LogMel(const LogMelConfig& config, std::unique_ptr<const Tables> tables)
    : config_(config), tables_(std::move(tables)) {}
LogMel::~LogMel() = default;

Result<std::unique_ptr<LogMel>> LogMel::Create(const LogMelConfig& config,
                                               std::vector<float> filterbank) {
  ESP_RETURN_IF_ERROR(CheckConfig(config, filterbank));
  std::vector<std::complex<double>> turns;
  for (int k = 0; 4 * k <= config.n_fft; ++k) {
    turns.push_back(std::polar(1.0, -2.0 * std::numbers::pi * k / config.n_fft));
  }
  auto tables = std::unique_ptr<const Tables>(
      new Tables{{.window = PeriodicHann(config.win_length),
                  .window_start = (config.n_fft - config.win_length) / 2,
                  .hop = config.hop_length,
                  .natural_log = config.scale == LogMelScale::kNaturalLog,
                  .filterbank = SparseFilterbank(filterbank, config.mel_count),
                  .fourier = FourierPlan(config.n_fft / 2),
                  .turns = std::move(turns)}});
  return std::unique_ptr<LogMel>(new LogMel(config, std::move(tables)));
}

int64_t LogMel::FrameCount(int64_t sample_count) const {
  return sample_count / config_.hop_length + 1;
}

std::vector<float> LogMel::Compute(std::span<const float> samples) const {
  std::vector<float> frames;
  frames.reserve(static_cast<size_t>(FrameCount(static_cast<int64_t>(samples.size()))) *
                 static_cast<size_t>(config_.mel_count));
  StreamingLogMel stream(*this);
  stream.Push(samples, &frames);
  stream.Finish(&frames);
  return frames;
}

StreamingLogMel::StreamingLogMel(const LogMel& log_mel)
    : log_mel_(log_mel), scratch_(std::make_unique<Scratch>(*log_mel.tables_)) {}
StreamingLogMel::~StreamingLogMel() = default;

void StreamingLogMel::Push(std::span<const float> samples, std::vector<float>* frames) {
  // In blocks, so that a long signal is not copied whole.
  constexpr size_t kBlockSamples = 1 << 14;
  const auto half = static_cast<size_t>(log_mel_.config().n_fft / 2);
  while (!samples.empty()) {
    const auto block = samples.first(std::min(samples.size(), kBlockSamples));
    samples = samples.subspan(block.size());
    pending_.insert(pending_.end(), block.begin(), block.end());
    sample_count_ += static_cast<int64_t>(block.size());
    if (!start_mirrored_ && pending_.size() > half) MirrorStart();
    if (start_mirrored_) EmitFrames(INT64_MAX, frames);
  }
}

void StreamingLogMel::MirrorStart() {
  const auto half = static_cast<size_t>(log_mel_.config().n_fft / 2);
  std::vector<float> mirrored;
  mirrored.reserve(half + pending_.size());
  for (size_t i = half; i > 0; --i) mirrored.push_back(pending_[i]);
  mirrored.insert(mirrored.end(), pending_.begin(), pending_.end());
  pending_ = std::move(mirrored);
  start_mirrored_ = true;
}

void StreamingLogMel::Finish(std::vector<float>* frames) {
  const auto half = static_cast<size_t>(log_mel_.config().n_fft / 2);
  if (!start_mirrored_) {
    pending_.resize(half + 1, 0.0f);
    MirrorStart();
  }
  // hop < n_fft / 2, so more than half a window is still here: the whole mirror image's source.
  ESP_DCHECK(pending_.size() > half);
  const size_t last = pending_.size() - 1;
  for (size_t i = 1; i <= half; ++i) pending_.push_back(pending_[last - i]);
  EmitFrames(log_mel_.FrameCount(sample_count_), frames);
}

void StreamingLogMel::EmitFrames(int64_t frame_limit, std::vector<float>* frames) {
  const LogMelConfig& config = log_mel_.config();
  const int64_t hop = config.hop_length;
  const auto held = static_cast<int64_t>(pending_.size());
  const int64_t complete = held < config.n_fft ? 0 : (held - config.n_fft) / hop + 1;
  const int64_t count = std::min(complete, frame_limit - frame_count_);
  if (count <= 0) return;
  const size_t before = frames->size();
  frames->resize(before + static_cast<size_t>(count * config.mel_count));
  ComputeFrames(*log_mel_.tables_, pending_.data(), count, scratch_->aligned,
                frames->data() + before);
  frame_count_ += count;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(count * hop));
}

void NormalizeWhisperWindow(std::span<float> frames) {
  if (frames.empty()) return;
  const float floor = *std::max_element(frames.begin(), frames.end()) - 8.0f;
  for (float& x : frames) x = (std::max(x, floor) + 4.0f) / 4.0f;
}

}  // namespace espalier
