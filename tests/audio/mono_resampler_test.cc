#include "runtime/audio/mono_resampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

// Hands `in` over in pieces of random length and takes the output in others.
std::vector<float> Resample(const std::vector<float>& in, int from, int to, unsigned seed = 1) {
  auto resampler = MonoResampler::Create(from, to);
  EXPECT_TRUE(resampler.ok());
  std::mt19937 random(seed);
  std::uniform_int_distribution<size_t> length(1, 3000);
  std::vector<float> out, part;
  for (size_t at = 0; at < in.size();) {
    part.resize(length(random));
    const size_t n = std::min(in.size() - at, length(random));
    const auto progress = (*resampler)->Process(std::span(in).subspan(at, n), part);
    EXPECT_TRUE(progress.ok());
    at += progress->taken;
    out.insert(out.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(progress->produced));
  }
  for (;;) {
    part.resize(length(random));
    const size_t n = (*resampler)->Flush(part).value();
    if (n == 0) return out;
    out.insert(out.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(n));
  }
}

double RmsOf(const std::vector<float>& x, size_t from, size_t to) {
  double sum = 0;
  for (size_t i = from; i < to; ++i) sum += static_cast<double>(x[i]) * x[i];
  return std::sqrt(sum / static_cast<double>(to - from));
}

TEST(MonoResamplerTest, CountsRoundToTheNearest) {
  EXPECT_EQ(ResampledCount(0, 44100, 16000), 0);
  EXPECT_EQ(ResampledCount(1, 44100, 16000), 0);  // 0.36
  EXPECT_EQ(ResampledCount(2, 44100, 16000), 1);  // 0.73
  EXPECT_EQ(ResampledCount(1, 32000, 16000), 1);  // 0.5, up
  EXPECT_EQ(ResampledCount(44100, 44100, 16000), 16000);
  EXPECT_EQ(ResampledCount(int64_t{1} << 47, 1000, 768000), (int64_t{1} << 47) * 768);
}

TEST(MonoResamplerTest, LengthIsExactForAnyRateAndLength) {
  for (int from : {1000, 8000, 11025, 22050, 32000, 44100, 48000, 96000, 768000}) {
    for (size_t count : {1u, 2u, 3u, 7u, 100u, 4095u, 10007u}) {
      for (int to : {8000, 16000, 44100}) {
        if (from == to) continue;
        const auto out = Resample(Tone(100, from, count), from, to);
        EXPECT_EQ(static_cast<int64_t>(out.size()),
                  ResampledCount(static_cast<int64_t>(count), from, to))
            << count << " samples " << from << " -> " << to;
      }
    }
  }
}

TEST(MonoResamplerTest, ChunkingDoesNotMatter) {
  const auto in = Tone(997, 44100, 50000);
  EXPECT_EQ(Resample(in, 44100, 16000, 1), Resample(in, 44100, 16000, 99));
}

// Sample by sample the tone that the new rate would have recorded: no delay, no gain, no tail lost.
TEST(MonoResamplerTest, ToneIsTheSameToneInTheSamePlace) {
  for (int from : {8000, 22050, 44100, 48000}) {
    const auto out = Resample(Tone(1000, from, static_cast<size_t>(from)), from, 16000);
    const auto expected = Tone(1000, 16000, 16000);
    ASSERT_EQ(out.size(), expected.size());
    for (size_t i = 500; i < 15500; ++i) ASSERT_NEAR(out[i], expected[i], 1e-4) << from << " " << i;
    EXPECT_GT(RmsOf(out, 15900, 16000), 0.25) << from;
  }
}

TEST(MonoResamplerTest, AnImpulseStaysWhereItIs) {
  std::vector<float> in(44100);
  in[22050] = 1.0f;
  const auto out = Resample(in, 44100, 16000);
  EXPECT_EQ(std::max_element(out.begin(), out.end()) - out.begin(), 8000);
}

// 12 kHz is above the new Nyquist frequency; linear interpolation would fold it to 4 kHz.
TEST(MonoResamplerTest, NothingFoldsBack) {
  const auto out = Resample(Tone(12000, 44100, 44100), 44100, 16000);
  EXPECT_LT(RmsOf(out, 500, 15500), 1e-5);
  // and upwards, no image of 3 kHz at 5 kHz
  const auto up = Resample(Tone(3000, 8000, 8000), 8000, 16000);
  EXPECT_LT(AmplitudeAt(up, 5000, 16000, 500, 15500), 1e-5);
  EXPECT_NEAR(AmplitudeAt(up, 3000, 16000, 500, 15500), 0.5, 1e-3);
}

}  // namespace
}  // namespace espalier
