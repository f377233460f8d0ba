#include "runtime/audio/wav_header.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <random>

#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

Result<WavHeader> Parse(const std::string& bytes, int64_t* position = nullptr) {
  const auto stream = MemoryStream(bytes, 5);
  auto header = ReadWavHeader("x.wav", stream.get());
  if (position != nullptr) *position = stream->position();
  return header;
}

TEST(WavHeaderTest, PlainHeader) {
  int64_t position = 0;
  const auto header = Parse(WavBytes(1, 24, 2, 48000, "audio...", 600), &position);
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(position, 44);
  EXPECT_EQ(header->encoding, PcmEncoding::kS24);
  EXPECT_EQ(header->channels, 2);
  EXPECT_EQ(header->sample_rate, 48000);
  EXPECT_EQ(header->bytes_per_second, 288000);
  EXPECT_EQ(header->data_bytes, 600);
}

TEST(WavHeaderTest, Encodings) {
  const auto encoding = [](int tag, int bits) {
    return Parse(WavBytes(tag, bits, 1, 16000, "", 8)).value().encoding;
  };
  EXPECT_EQ(encoding(1, 8), PcmEncoding::kU8);
  EXPECT_EQ(encoding(1, 16), PcmEncoding::kS16);
  EXPECT_EQ(encoding(1, 32), PcmEncoding::kS32);
  EXPECT_EQ(encoding(3, 32), PcmEncoding::kF32);
  EXPECT_EQ(encoding(3, 64), PcmEncoding::kF64);
  EXPECT_EQ(encoding(1, 20), PcmEncoding::kS24) << "20 bits lie at the top of three bytes";
  EXPECT_EQ(encoding(7, 8), std::nullopt) << "mu-law";
  EXPECT_EQ(encoding(3, 16), std::nullopt);
}

TEST(WavHeaderTest, SizesOfWritersThatCouldNotSeek) {
  for (uint32_t size : {0u, 0x7ffff000u, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(Parse(WavBytes(1, 16, 1, 16000, "", size)).value().data_bytes, std::nullopt) << size;
  }
}

// libsndfile writes extra chunks, the extensible form and RF64.
TEST(WavHeaderTest, WhatLibsndfileWrites) {
  for (int format : {SF_FORMAT_WAV | SF_FORMAT_FLOAT, SF_FORMAT_WAVEX | SF_FORMAT_FLOAT,
                     SF_FORMAT_RF64 | SF_FORMAT_FLOAT}) {
    const auto path = WriteAudio(TempPath("lib.wav"), format, 44100, 2, Tone(100, 44100, 2000));
    const auto header = Parse(ReadBytes(path));
    ASSERT_TRUE(header.ok()) << header.status().message();
    EXPECT_EQ(header->encoding, PcmEncoding::kF32) << format;
    EXPECT_EQ(header->data_bytes, 8000) << format;
  }
}

TEST(WavHeaderTest, UnknownChunksAreSkippedWithTheirPadding) {
  std::string bytes = WavBytes(1, 16, 1, 16000, "", 4);
  bytes.insert(12, std::string("JUNK\3\0\0\0abc\0", 12));
  EXPECT_EQ(Parse(bytes).value().data_bytes, 4);
}

TEST(WavHeaderTest, DamageIsAStatus) {
  const std::string good = WavBytes(1, 16, 1, 16000, "", 4);
  for (size_t length = 0; length < good.size(); ++length) {
    const auto header = Parse(good.substr(0, length));
    ASSERT_FALSE(header.ok()) << length;
    EXPECT_EQ(header.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(header.status().message().find("x.wav: damaged WAV header"), 0u);
  }
  std::string bad = good;
  bad[8] = 'X';
  EXPECT_FALSE(Parse(bad).ok());
  EXPECT_FALSE(Parse(WavBytes(1, 16, 0, 16000, "", 4)).ok());
  bad = good;
  bad.erase(12, 24);  // no fmt
  EXPECT_FALSE(Parse(bad).ok());
  bad = good;
  bad[16] = 8;  // a short fmt
  EXPECT_FALSE(Parse(bad).ok());
}

TEST(WavHeaderTest, AnyBytesAreSafe) {
  std::mt19937 random(3);
  const std::string good = WavBytes(0xfffe, 16, 2, 16000, "datadatadata", 12);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int change = 0; change < 4; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto header = Parse(bytes);
    if (header.ok()) {
      EXPECT_GE(header->data_bytes.value_or(1), 0);
    }
  }
}

}  // namespace
}  // namespace espalier
