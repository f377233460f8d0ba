#include "apps/cli/synthetic_audio.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace espalier::cli {
namespace {

constexpr double kAmplitude = 0.1, kNoise = 0.02;
constexpr double kCentreHz = 200, kGlideHz = 150;

class SyntheticAudio final : public AudioReader {
 public:
  SyntheticAudio(int64_t sample_count, int sample_rate)
      : sample_count_(sample_count), sample_rate_(sample_rate) {}

  Result<size_t> Read(std::span<float> out) override {
    const auto count = static_cast<size_t>(
        std::min<int64_t>(static_cast<int64_t>(out.size()), sample_count_ - position_));
    for (float& sample : out.first(count)) {
      const double t = static_cast<double>(position_++) / sample_rate_;
      const double hz = kCentreHz + kGlideHz * std::sin(t);
      sample = static_cast<float>(kAmplitude * std::sin(2 * std::numbers::pi * hz * t) +
                                  kNoise * noise_(generator_));
    }
    return count;
  }

  std::optional<int64_t> total_samples() const override { return sample_count_; }
  std::string warning() const override { return {}; }

 private:
  int64_t sample_count_;
  int sample_rate_;
  int64_t position_ = 0;
  std::mt19937 generator_{1};
  std::uniform_real_distribution<double> noise_{-1, 1};
};

}  // namespace

std::unique_ptr<AudioReader> MakeSyntheticAudio(int64_t sample_count, int sample_rate) {
  return std::make_unique<SyntheticAudio>(sample_count, sample_rate);
}

}  // namespace espalier::cli
