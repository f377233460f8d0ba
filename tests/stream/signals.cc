#include "tests/stream/signals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>

namespace espalier {
namespace {

constexpr double kRate = 16000;
constexpr double kTau = 2 * std::numbers::pi;

class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}
  double Uniform() {  // in (-1, 1)
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<double>(state_ >> 11) * 0x1p-52 - 1.0;
  }
  double Gauss() {  // of variance 1
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum / 2;
  }

 private:
  uint64_t state_;
};

std::vector<float> Render(double seconds, const std::function<double(double)>& at) {
  std::vector<float> samples(static_cast<size_t>(seconds * kRate));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(at(static_cast<double>(i) / kRate));
  }
  return samples;
}

constexpr std::array<std::array<double, 3>, 5> kVowels = {
    {{730, 1090, 2440}, {270, 2290, 3010}, {300, 870, 2240}, {530, 1840, 2480}, {570, 840, 2410}}};

// One syllable into `samples` from `begin`: a hiss, then a vowel that turns into another one.
void AddSyllable(size_t begin, size_t length, int index, int voice, Noise* noise,
                 std::vector<float>* samples) {
  const auto& from = kVowels[static_cast<size_t>(index * 3 + voice) % kVowels.size()];
  const auto& to = kVowels[static_cast<size_t>(index * 7 + voice + 2) % kVowels.size()];
  const size_t hiss = length / 4;
  double phase = 0;
  for (size_t i = 0; i < length && begin + i < samples->size(); ++i) {
    if (i < hiss) {
      const double x = static_cast<double>(i) / static_cast<double>(hiss);
      const double sharp = noise->Uniform() - noise->Uniform();
      (*samples)[begin + i] = static_cast<float>(0.05 * std::sin(std::numbers::pi * x) * sharp);
      continue;
    }
    const double x = static_cast<double>(i - hiss) / static_cast<double>(length - hiss);
    const double pitch = 110 + 25 * voice + 30 * std::sin(0.9 * index + 2 * x);
    phase += pitch / kRate;
    double sum = 0;
    for (int k = 1; k * pitch < 3800; ++k) {
      double gain = 0;
      for (size_t f = 0; f < 3; ++f) {
        const double formant = from[f] + (to[f] - from[f]) * x;
        const double off = (k * pitch - formant) / (60 + 30 * static_cast<double>(f));
        gain += std::exp(-off * off / 2) / (1 + static_cast<double>(f));
      }
      sum += (gain + 0.01) * std::sin(kTau * k * phase);
    }
    const double envelope = std::pow(std::sin(std::numbers::pi * x), 0.7);
    (*samples)[begin + i] = static_cast<float>(0.18 * envelope * sum);
  }
}

double Pluck(double t, double frequency) {
  double sum = 0;
  for (int k = 1; k < 6; ++k) sum += std::sin(kTau * frequency * k * t) / k;
  return 0.2 * std::exp(-4 * t) * sum;
}

std::vector<float> PinkNoise(double seconds, double level) {
  Noise noise(7);
  std::array<double, 3> poles = {};
  return Render(seconds, [&](double) {  // Paul Kellet's filter of three poles
    const double white = noise.Gauss();
    poles[0] = 0.99765 * poles[0] + white * 0.0990460;
    poles[1] = 0.96300 * poles[1] + white * 0.2965164;
    poles[2] = 0.57000 * poles[2] + white * 1.0526913;
    return level * (poles[0] + poles[1] + poles[2] + white * 0.1848);
  });
}

}  // namespace

std::vector<float> SpeechLike(double seconds, int voice) {
  std::vector<float> samples(static_cast<size_t>(seconds * kRate));
  Noise noise(static_cast<uint64_t>(voice) + 1);
  size_t at = 0;
  for (int index = 0; at < samples.size(); ++index) {
    const auto length = static_cast<size_t>(kRate * (0.21 + 0.05 * noise.Uniform()));
    AddSyllable(at, length, index, voice, &noise, &samples);
    at += length + static_cast<size_t>(kRate * 0.02 * (1 + noise.Uniform()));
  }
  return samples;
}

std::vector<float> Silence(double seconds) {
  return std::vector<float>(static_cast<size_t>(seconds * kRate));
}

std::vector<NamedSignal> NonSpeech(double seconds) {
  constexpr std::array kNotes = {261.6, 329.6, 392.0, 523.2, 440.0, 349.2, 293.7, 246.9};
  std::vector<NamedSignal> signals;
  signals.push_back({"silence", Silence(seconds)});
  for (const double level : {0.003, 0.03, 0.2}) {
    Noise noise(3);
    const std::string name = std::to_string(static_cast<int>(level * 1000));
    signals.push_back(
        {"white" + name, Render(seconds, [&](double) { return level * noise.Gauss(); })});
    signals.push_back({"pink" + name, PinkNoise(seconds, level)});
  }
  signals.push_back({"hum", Render(seconds, [](double t) {
                       return 0.1 * std::sin(kTau * 50 * t) + 0.03 * std::sin(kTau * 150 * t);
                     })});
  signals.push_back(
      {"tone", Render(seconds, [](double t) { return 0.3 * std::sin(kTau * 440 * t); })});
  signals.push_back({"pulsing tone", Render(seconds, [](double t) {
                       return 0.2 * std::sin(kTau * 440 * t) * (1 + 0.8 * std::sin(kTau * 4 * t));
                     })});
  signals.push_back({"chord", Render(seconds, [](double t) {
                       double sum = 0;
                       for (const double note : {261.6, 329.6, 392.0})
                         sum += std::sin(kTau * note * t);
                       return 0.1 * sum;
                     })});
  signals.push_back({"plucked notes", Render(seconds, [&](double t) {
                       const auto beat = static_cast<size_t>(t * 2);
                       return Pluck(std::fmod(t, 0.5), kNotes[beat * 5 % kNotes.size()]);
                     })});
  Noise drum(5);
  signals.push_back({"drums", Render(seconds, [&](double t) {
                       return 0.3 * std::exp(-15 * std::fmod(t, 0.5)) * drum.Gauss();
                     })});
  signals.push_back({"siren", Render(seconds, [](double t) {
                       return 0.2 * std::sin(kTau * 700 * t + 150 * std::sin(kTau * 0.5 * t));
                     })});
  return signals;
}

void Append(const std::vector<float>& more, std::vector<float>* samples) {
  samples->insert(samples->end(), more.begin(), more.end());
}

}  // namespace espalier
