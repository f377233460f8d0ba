#include "runtime/audio/pcm_stream_source.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

std::vector<float> ReadSource(PcmSource* source, size_t piece = 64) {
  std::vector<float> all, part(piece * static_cast<size_t>(source->channels()));
  for (;;) {
    const size_t frames = source->Read(part).value();
    if (frames == 0) return all;
    const auto count = static_cast<ptrdiff_t>(frames) * source->channels();
    all.insert(all.end(), part.begin(), part.begin() + count);
  }
}

template <typename T>
std::string Bytes(std::vector<T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST(PcmStreamSourceTest, EveryEncodingHasFullScaleOne) {
  const auto decode = [](int tag, int bits, const std::string& data) {
    const auto size = static_cast<uint32_t>(data.size());
    auto source =
        PcmStreamSource::OpenWav("x", MemoryStream(WavBytes(tag, bits, 1, 16000, data, size), 1));
    return ReadSource(source.value().get());
  };
  const std::vector<float> expected = {0.0f, 0.5f, -1.0f};
  EXPECT_EQ(decode(1, 8, "\x80\xc0" + std::string(1, '\0')), expected);
  EXPECT_EQ(decode(1, 16, Bytes<int16_t>({0, 16384, -32768})), expected);
  EXPECT_EQ(decode(1, 24, std::string("\0\0\0\0\0\x40\0\0\x80", 9)), expected);
  EXPECT_EQ(decode(1, 32, Bytes<int32_t>({0, 1 << 30, INT32_MIN})), expected);
  EXPECT_EQ(decode(3, 32, Bytes<float>({0.0f, 0.5f, -1.0f})), expected);
  EXPECT_EQ(decode(3, 64, Bytes<double>({0.0, 0.5, -1.0})), expected);
}

TEST(PcmStreamSourceTest, WhatFollowsTheDataIsNotAudio) {
  auto source = PcmStreamSource::OpenWav(
      "x", MemoryStream(WavBytes(1, 16, 1, 16000, Bytes<int16_t>({1, 2}) + "LIST....", 4), 3));
  EXPECT_EQ(source.value()->total_frames(), 2);
  EXPECT_EQ(ReadSource(source.value().get()).size(), 2u);
  EXPECT_EQ(source.value()->warning(), "");
}

TEST(PcmStreamSourceTest, SamplesAreKeptTogetherForAnyPieces) {
  std::vector<int16_t> samples(30000);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<int16_t>(i * 7);
  for (size_t bytes : {1u, 2u, 3u, 1000u, 100000u}) {
    for (size_t frames : {1u, 7u, 20000u}) {
      auto source = PcmStreamSource::OpenRaw("x", MemoryStream(AsBytes(samples), bytes),
                                             PcmEncoding::kS16, 16000, 3);
      const auto read = ReadSource(source.value().get(), frames);
      ASSERT_EQ(read.size(), samples.size()) << bytes << " " << frames;
      for (size_t i = 0; i < read.size(); ++i) ASSERT_EQ(read[i], samples[i] / 32768.0f);
    }
  }
}

TEST(PcmStreamSourceTest, CompressedSamplesAndBadRatesAreRefused) {
  const auto refusal = [](const std::string& wav) {
    return PcmStreamSource::OpenWav("x", MemoryStream(wav)).status().message();
  };
  EXPECT_NE(refusal(WavBytes(7, 8, 1, 8000, "abc", 3)).find("format tag 0x0007"),
            std::string::npos);
  EXPECT_NE(refusal(WavBytes(1, 16, 1, 2000000, "ab", 2)).find("2000000 Hz"), std::string::npos);
  EXPECT_NE(refusal(WavBytes(1, 16, 1, -1, "ab", 2)).find("sample rate"), std::string::npos);
  EXPECT_FALSE(PcmStreamSource::OpenRaw("x", MemoryStream(""), PcmEncoding::kS16, 16000, 65).ok());
}

}  // namespace
}  // namespace espalier
