#include "apps/cli/synthetic_audio.h"

#include <cmath>
#include <numbers>
#include <random>

namespace espalier::cli {
namespace {

constexpr double kAmplitude = 0.1, kNoise = 0.02;
constexpr double kCentreHz = 200, kGlideHz = 150;

class Tones {
 public:
  explicit Tones(int sample_rate) : sample_rate_(sample_rate) {}

  void operator()(std::span<float> out) {
    for (float& sample : out) {
      const double t = static_cast<double>(position_++) / sample_rate_;
      const double hz = kCentreHz + kGlideHz * std::sin(t);
      sample = static_cast<float>(kAmplitude * std::sin(2 * std::numbers::pi * hz * t) +
                                  kNoise * noise_(generator_));
    }
  }

 private:
  int sample_rate_;
  int64_t position_ = 0;
  std::mt19937 generator_{1};
  std::uniform_real_distribution<double> noise_{-1, 1};
};

}  // namespace

Result<std::unique_ptr<Audio>> MakeSyntheticAudio(int64_t sample_count, int sample_rate) {
  return Audio::Make(Tones(sample_rate), sample_count);
}

}  // namespace espalier::cli
