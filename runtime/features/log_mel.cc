#include "runtime/features/log_mel.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <kissfft.hh>
#include <numbers>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/string_format.h"

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

struct LogMel::Tables {
  std::vector<double> window;  // (win_length)
  size_t window_start;         // where it lies in n_fft samples
  SparseFilterbank filterbank;
  kissfft<double> fft;  // complex transform of n_fft / 2 points
};

// What computing a frame writes to. The transform is a copy: kissfft keeps a buffer of its own for
// sizes with prime factors above 5, so one object must not serve two threads.
struct StreamingLogMel::Scratch {
  kissfft<double> fft;
  std::vector<double> windowed;                // (n_fft)
  std::vector<std::complex<double>> spectrum;  // (n_fft / 2), packed
  std::vector<double> power;                   // (n_fft / 2 + 1)
  std::vector<double> mel;                     // (mel_count)
};

LogMel::LogMel(const LogMelConfig& config, std::unique_ptr<const Tables> tables)
    : config_(config), tables_(std::move(tables)) {}
LogMel::~LogMel() = default;

Result<std::unique_ptr<LogMel>> LogMel::Create(const LogMelConfig& config,
                                               std::vector<float> filterbank) {
  ESP_RETURN_IF_ERROR(CheckConfig(config, filterbank));
  auto tables = std::unique_ptr<const Tables>(new Tables{
      .window = PeriodicHann(config.win_length),
      .window_start = static_cast<size_t>((config.n_fft - config.win_length) / 2),
      .filterbank = SparseFilterbank(filterbank, config.mel_count),
      .fft = kissfft<double>(static_cast<size_t>(config.n_fft / 2), false),
  });
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

StreamingLogMel::StreamingLogMel(const LogMel& log_mel) : log_mel_(log_mel) {
  const LogMelConfig& config = log_mel.config();
  const auto n_fft = static_cast<size_t>(config.n_fft);
  scratch_.reset(new Scratch{
      .fft = log_mel.tables_->fft,
      .windowed = std::vector<double>(n_fft),
      .spectrum = std::vector<std::complex<double>>(n_fft / 2),
      .power = std::vector<double>(n_fft / 2 + 1),
      .mel = std::vector<double>(static_cast<size_t>(config.mel_count)),
  });
}
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
  const auto n_fft = static_cast<size_t>(config.n_fft);
  const auto mels = static_cast<size_t>(config.mel_count);
  size_t start = 0;
  while (frame_count_ < frame_limit && pending_.size() - start >= n_fft) {
    frames->resize(frames->size() + mels);
    ComputeFrame(pending_.data() + start, frames->data() + frames->size() - mels);
    start += static_cast<size_t>(config.hop_length);
    ++frame_count_;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(start));
}

void StreamingLogMel::ComputeFrame(const float* samples, float* frame) {
  const LogMel::Tables& tables = *log_mel_.tables_;
  Scratch& s = *scratch_;
  // Outside of the window `windowed` stays zero from construction.
  for (size_t i = 0; i < tables.window.size(); ++i) {
    s.windowed[tables.window_start + i] = tables.window[i] * samples[tables.window_start + i];
  }
  s.fft.transform_real(s.windowed.data(), s.spectrum.data());
  // Bins 0 and n_fft / 2 are real; kissfft packs them into one complex number.
  const size_t half = s.spectrum.size();
  s.power[0] = s.spectrum[0].real() * s.spectrum[0].real();
  s.power[half] = s.spectrum[0].imag() * s.spectrum[0].imag();
  for (size_t bin = 1; bin < half; ++bin) s.power[bin] = std::norm(s.spectrum[bin]);
  tables.filterbank.Apply(s.power, s.mel);
  const bool natural = log_mel_.config().scale == LogMelScale::kNaturalLog;
  for (size_t m = 0; m < s.mel.size(); ++m) {
    const double mel = std::max(s.mel[m], kMelFloor);
    frame[m] = static_cast<float>(natural ? std::log(mel) : std::log10(mel));
  }
}

void NormalizeWhisperWindow(std::span<float> frames) {
  if (frames.empty()) return;
  const float floor = *std::max_element(frames.begin(), frames.end()) - 8.0f;
  for (float& x : frames) x = (std::max(x, floor) + 4.0f) / 4.0f;
}

}  // namespace espalier
