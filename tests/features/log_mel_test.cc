#include "runtime/features/log_mel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <random>
#include <thread>

#include "hwy/highway.h"

namespace espalier {
namespace {

constexpr LogMelConfig kOwsm{.n_fft = 512, .mel_count = 80};
constexpr LogMelConfig kWhisper{.n_fft = 400, .mel_count = 80, .scale = LogMelScale::kLog10};

std::unique_ptr<LogMel> Make(const LogMelConfig& c) {
  auto log_mel = LogMel::Create(c, SlaneyMelFilterbank(c.sample_rate, c.n_fft, c.mel_count));
  EXPECT_TRUE(log_mel.ok()) << log_mel.status().message();
  return std::move(log_mel).value();
}

// Loud low tones over faint noise: a wide dynamic range, as voiced speech has, so that quiet bands
// show a loss of precision.
std::vector<float> SpeechLikeSignal(size_t count) {
  std::mt19937 random(7);
  std::normal_distribution<float> noise(0.0f, 1e-4f);
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / 16000.0;
    double x = 0;
    for (int harmonic = 1; harmonic < 9; ++harmonic) {
      x += 0.3 / harmonic * std::sin(2 * std::numbers::pi * 140.0 * harmonic * t + harmonic);
    }
    samples[i] = static_cast<float>(x * (0.6 + 0.4 * std::sin(9.0 * t))) + noise(random);
  }
  return samples;
}

// The definition (spec §3), term by term, in double: O(n_fft²) per frame.
std::vector<double> NaiveFrame(const LogMelConfig& c, const std::vector<float>& x, int64_t frame) {
  const auto bank = SlaneyMelFilterbank(c.sample_rate, c.n_fft, c.mel_count);
  const auto count = static_cast<int64_t>(x.size());
  std::vector<double> windowed(static_cast<size_t>(c.n_fft));
  for (int n = 0; n < c.n_fft; ++n) {
    int64_t at = frame * c.hop_length + n - c.n_fft / 2;
    if (at < 0) at = -at;
    if (at >= count) at = 2 * (count - 1) - at;
    const int in_window = n - (c.n_fft - c.win_length) / 2;
    const double w = in_window < 0 || in_window >= c.win_length
                         ? 0.0
                         : 0.5 - 0.5 * std::cos(2 * std::numbers::pi * in_window / c.win_length);
    windowed[static_cast<size_t>(n)] = w * x[static_cast<size_t>(at)];
  }
  std::vector<double> mel(static_cast<size_t>(c.mel_count));
  for (int bin = 0; bin <= c.n_fft / 2; ++bin) {
    std::complex<double> sum = 0;
    for (int n = 0; n < c.n_fft; ++n) {
      const double angle = -2 * std::numbers::pi * (bin * n % c.n_fft) / c.n_fft;
      sum += windowed[static_cast<size_t>(n)] * std::polar(1.0, angle);
    }
    for (size_t m = 0; m < mel.size(); ++m) {
      mel[m] += std::norm(sum) * bank[static_cast<size_t>(bin) * mel.size() + m];
    }
  }
  for (double& v : mel) {
    v = std::max(v, 1e-10);
    v = c.scale == LogMelScale::kNaturalLog ? std::log(v) : std::log10(v);
  }
  return mel;
}

void ExpectMatchesDefinition(const LogMelConfig& c) {
  const auto samples = SpeechLikeSignal(8000);
  const auto log_mel = Make(c);
  const auto frames = log_mel->Compute(samples);
  ASSERT_EQ(static_cast<int64_t>(frames.size()), log_mel->FrameCount(8000) * c.mel_count);
  for (int64_t frame : {0, 1, 2, 25, 48, 49, 50}) {
    const auto expected = NaiveFrame(c, samples, frame);
    for (size_t m = 0; m < expected.size(); ++m) {
      EXPECT_NEAR(frames[static_cast<size_t>(frame) * expected.size() + m], expected[m], 1e-5)
          << "frame " << frame << " mel " << m;
    }
  }
}

TEST(LogMelTest, OwsmMatchesTheDefinition) {
  ExpectMatchesDefinition(kOwsm);
  ExpectMatchesDefinition({.n_fft = 512, .mel_count = 128});
}
TEST(LogMelTest, WhisperMatchesTheDefinition) { ExpectMatchesDefinition(kWhisper); }
TEST(LogMelTest, OddFactorsMatchTheDefinition) {
  ExpectMatchesDefinition({.n_fft = 2 * 7 * 29, .win_length = 401, .hop_length = 160});
  ExpectMatchesDefinition({.n_fft = 4, .win_length = 4, .hop_length = 1, .mel_count = 1});
}

TEST(LogMelTest, EveryInstructionSetMatchesTheDefinition) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    ExpectMatchesDefinition(kOwsm);
    ExpectMatchesDefinition(kWhisper);
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(LogMelTest, FrameCounts) {
  const auto log_mel = Make(kOwsm);
  EXPECT_EQ(log_mel->FrameCount(480000), 3001);
  EXPECT_EQ(log_mel->FrameCount(0), 1);
  EXPECT_EQ(log_mel->FrameCount(159), 1);
  EXPECT_EQ(log_mel->FrameCount(160), 2);
}

TEST(LogMelTest, SilenceIsTheFloor) {
  for (float v : Make(kOwsm)->Compute(std::vector<float>(4000))) EXPECT_EQ(v, std::log(1e-10f));
  for (float v : Make(kWhisper)->Compute(std::vector<float>(4000))) EXPECT_EQ(v, -10.0f);
}

// Too short for a mirror image: as if zeros followed up to n_fft / 2 + 1 samples.
TEST(LogMelTest, VeryShortSignalsGiveFiniteFrames) {
  const auto signal = SpeechLikeSignal(600);
  for (const LogMelConfig& c : {kOwsm, kWhisper}) {
    const auto log_mel = Make(c);
    for (size_t count :
         {0u, 1u, 2u, 159u, 160u, 200u, 201u, 255u, 256u, 257u, 258u, 399u, 400u, 512u, 513u}) {
      const std::vector<float> samples(signal.begin(),
                                       signal.begin() + static_cast<ptrdiff_t>(count));
      const auto frames = log_mel->Compute(samples);
      ASSERT_EQ(static_cast<int64_t>(frames.size()),
                log_mel->FrameCount(static_cast<int64_t>(count)) * c.mel_count)
          << count;
      for (float v : frames) ASSERT_TRUE(std::isfinite(v)) << count;
      auto lengthened = samples;
      lengthened.resize(std::max<size_t>(count, static_cast<size_t>(c.n_fft / 2 + 1)));
      const auto expected = NaiveFrame(c, lengthened, 0);
      for (size_t m = 0; m < expected.size(); ++m) ASSERT_NEAR(frames[m], expected[m], 1e-5);
    }
  }
}

TEST(LogMelTest, AnyChunkingGivesTheSameBits) {
  std::mt19937 random(11);
  const auto signal = SpeechLikeSignal(40000);
  for (const LogMelConfig& c : {kOwsm, kWhisper}) {
    const auto log_mel = Make(c);
    for (size_t count : {0u, 1u, 256u, 257u, 399u, 16000u, 39999u, 40000u}) {
      const std::span<const float> samples(signal.data(), count);
      const auto whole = log_mel->Compute(samples);
      for (size_t longest : {1u, 7u, 160u, 399u, 5000u, 30000u}) {
        if (longest == 1 && count > 16000) continue;
        StreamingLogMel stream(*log_mel);
        std::vector<float> frames;
        std::uniform_int_distribution<size_t> length(0, longest);
        for (size_t at = 0; at < count;) {
          const size_t n = std::min(count - at, length(random));
          stream.Push(samples.subspan(at, n), &frames);
          at += n;
        }
        stream.Finish(&frames);
        ASSERT_EQ(frames, whole) << count << " samples in chunks up to " << longest;
      }
    }
  }
}

// Frame k needs samples up to k * hop + n_fft / 2; a live session must not wait longer.
TEST(LogMelTest, FramesComeAsSoonAsTheyAreCertain) {
  const auto log_mel = Make(kOwsm);
  StreamingLogMel stream(*log_mel);
  const auto signal = SpeechLikeSignal(2000);
  std::vector<float> frames;
  for (size_t i = 0; i < signal.size(); ++i) {
    stream.Push({&signal[i], 1}, &frames);
    const size_t pushed = i + 1;
    const size_t certain = pushed < 257 ? 0 : (pushed - 256) / 160 + 1;
    ASSERT_EQ(frames.size(), certain * 80) << pushed;
  }
}

TEST(LogMelTest, OneObjectServesManyThreads) {
  const auto log_mel = Make({.n_fft = 2 * 7 * 29, .win_length = 400, .hop_length = 160});
  const auto samples = SpeechLikeSignal(16000);
  const auto expected = log_mel->Compute(samples);
  std::vector<std::vector<float>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] { result = log_mel->Compute(samples); });
    }
  }
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(LogMelTest, WhisperWindowIsNormalised) {
  std::vector<float> frames = {1.0f, -1.0f, -6.5f, -7.5f, -10.0f};
  NormalizeWhisperWindow(frames);
  EXPECT_EQ(frames, (std::vector<float>{1.25f, 0.75f, -0.625f, -0.75f, -0.75f}));
  NormalizeWhisperWindow({});
}

TEST(LogMelTest, BadConfigurationsAreRefused) {
  const auto refused = [](LogMelConfig c, size_t bank_size, const char* field) {
    const auto result = LogMel::Create(c, std::vector<float>(bank_size, 1.0f));
    ASSERT_FALSE(result.ok()) << field;
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(result.status().message().find(field), std::string::npos)
        << result.status().message();
  };
  refused({.n_fft = 511}, 256 * 80, "n_fft");
  refused({.n_fft = 0}, 80, "n_fft");
  refused({.n_fft = 1 << 20}, 80, "n_fft");
  refused({.win_length = 513}, 257 * 80, "win_length");
  refused({.win_length = 0}, 257 * 80, "win_length");
  refused({.hop_length = 0}, 257 * 80, "hop_length");
  refused({.hop_length = 256}, 257 * 80, "hop_length");
  refused({.mel_count = 0}, 0, "mel_count");
  refused({.mel_count = 80}, 257 * 79, "filterbank");
  std::vector<float> bank(257 * 80, std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(LogMel::Create({}, bank).ok());
}

}  // namespace
}  // namespace espalier
