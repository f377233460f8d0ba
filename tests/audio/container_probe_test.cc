#include "runtime/audio/container_probe.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <random>

#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

Container Probe(const std::string& bytes) {
  return ProbeContainer({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

TEST(ContainerProbeTest, Marks) {
  EXPECT_EQ(Probe(WavBytes(1, 16, 1, 16000, "", 0)), Container::kWav);
  EXPECT_EQ(Probe("RF64\xff\xff\xff\xffWAVE"), Container::kWav);
  EXPECT_EQ(Probe("RIFF\1\2\3\4AVI LIST"), Container::kOther);
  EXPECT_EQ(Probe("fLaC1234"), Container::kOther);
  EXPECT_EQ(Probe("OggS1234"), Container::kOther);
  EXPECT_EQ(Probe(std::string("\0\0\0\x20"
                              "ftypM4A ",
                              12)),
            Container::kOther);
  EXPECT_EQ(Probe("\x1a\x45\xdf\xa3...."), Container::kOther);
  EXPECT_EQ(Probe("RIF"), Container::kNone);
  EXPECT_EQ(Probe(""), Container::kNone);
}

TEST(ContainerProbeTest, Mp3WithoutATagIsKnownByTwoFrames) {
  for (int rate : {48000, 44100, 16000, 8000}) {
    const auto path = WriteAudio(TempPath("probe.mp3"), SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III,
                                 rate, 1, Tone(300, rate, static_cast<size_t>(rate)));
    std::string bytes = ReadBytes(path);
    if (bytes.compare(0, 3, "ID3") == 0) {
      bytes.erase(0, 10 + static_cast<size_t>(bytes[8] << 7 | bytes[9]));
    }
    ASSERT_EQ(static_cast<uint8_t>(bytes[0]), 0xff);
    EXPECT_EQ(Probe(bytes.substr(0, kProbeFrameBytes)), Container::kOther) << rate;
    EXPECT_EQ(Probe(bytes.substr(0, kProbeMarkBytes)), Container::kNone) << rate;
  }
}

// PCM may begin with what looks like a frame header; it does not repeat where the header says.
TEST(ContainerProbeTest, SamplesAreNotTakenForMp3) {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0.0, 300.0);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int16_t> samples(kProbeFrameBytes / 2);
    for (int16_t& x : samples) x = static_cast<int16_t>(noise(random));
    std::string bytes = AsBytes(samples);
    bytes[0] = '\xff';
    bytes[1] = '\xfb';
    const std::span<const uint8_t> start(reinterpret_cast<const uint8_t*>(bytes.data()),
                                         bytes.size());
    EXPECT_FALSE(MarkDecides(start));
    EXPECT_EQ(ProbeContainer(start), Container::kNone) << round;
  }
}

}  // namespace
}  // namespace espalier
