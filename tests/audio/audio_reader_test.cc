#include "runtime/audio/audio_reader.h"

#include <gtest/gtest.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <string>

#include "runtime/audio/mono_resampler.h"
#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

constexpr int kWav16 = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
constexpr int kWavFloat = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
constexpr int kFlac = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
constexpr int kVorbis = SF_FORMAT_OGG | SF_FORMAT_VORBIS;
constexpr int kOpus = SF_FORMAT_OGG | SF_FORMAT_OPUS;
constexpr int kMp3 = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;

std::unique_ptr<AudioReader> MustOpen(const AudioOptions& options) {
  auto reader = AudioReader::Open(options);
  EXPECT_TRUE(reader.ok()) << reader.status().message();
  return reader.ok() ? std::move(reader).value() : nullptr;
}

// One line that names the file and says `reason`, and the code of bad input.
void ExpectRefused(const Status& status, const std::string& name, const std::string& reason) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status.message();
  EXPECT_EQ(status.message().find(name), 0u) << status.message();
  EXPECT_NE(status.message().find(reason), std::string::npos) << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
}

void ExpectRefused(const std::string& path, const std::string& reason) {
  const auto reader = AudioReader::Open({.path = path});
  ASSERT_FALSE(reader.ok()) << path;
  ExpectRefused(reader.status(), path, reason);
}

TEST(AudioReaderTest, SixteenBitWavIsExact) {
  WriteBytes(TempPath("exact.wav"),
             WavBytes(1, 16, 1, 16000, AsBytes({0, 16384, -32768, 32767, -1}), 10));
  const std::vector<float> samples = {0.0f, 0.5f, -1.0f, 32767 / 32768.0f, -1 / 32768.0f};
  const auto reader = MustOpen({.path = TempPath("exact.wav")});
  EXPECT_EQ(reader->total_samples(), 5);
  EXPECT_EQ(ReadAll(reader.get(), 2), samples);
  EXPECT_EQ(reader->Read({}).value(), 0u);
  EXPECT_EQ(reader->warning(), "");
}

TEST(AudioReaderTest, EveryFormatGivesTheTone) {
  const auto tone = Tone(1000, 48000, 96000);
  const auto flac = WriteAudio(TempPath("t.flac"), kFlac, 48000, 1, tone);
  const auto vorbis = WriteAudio(TempPath("t.ogg"), kVorbis, 48000, 1, tone);
  const auto opus = WriteAudio(TempPath("t.opus"), kOpus, 48000, 1, tone);
  const auto mp3 = WriteAudio(TempPath("t.mp3"), kMp3, 48000, 1, tone);
  const auto aiff =
      WriteAudio(TempPath("t.aiff"), SF_FORMAT_AIFF | SF_FORMAT_PCM_24, 48000, 1, tone);
  const auto ulaw = WriteAudio(TempPath("t.wav"), SF_FORMAT_WAV | SF_FORMAT_ULAW, 48000, 1, tone);
  for (const auto& path : {flac, vorbis, opus, mp3, aiff, ulaw}) {
    const auto reader = MustOpen({.path = path});
    ASSERT_NE(reader, nullptr);
    const auto samples = ReadAll(reader.get());
    EXPECT_EQ(samples.size(), 32000u) << path;
    EXPECT_EQ(reader->total_samples(), 32000) << path;
    EXPECT_NEAR(AmplitudeAt(samples, 1000, 16000, 1000, 31000), 0.5, 0.02) << path;
    EXPECT_EQ(reader->warning(), "") << path;
  }
}

TEST(AudioReaderTest, ChannelsAreAveraged) {
  const auto path = WriteAudio(TempPath("six.wav"), kWavFloat, 16000, 6,
                               {0.6f, 0, 0, 0, 0, 0, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f});
  const auto samples = ReadAll(MustOpen({.path = path}).get());
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_FLOAT_EQ(samples[0], 0.1f);
  EXPECT_FLOAT_EQ(samples[1], 0.35f);
}

TEST(AudioReaderTest, StereoAt44100BecomesMonoAt16000) {
  std::vector<float> stereo;
  for (float x : Tone(1000, 44100, 44101)) stereo.insert(stereo.end(), {x, 0.5f * x});
  const auto path = WriteAudio(TempPath("stereo.wav"), kWav16, 44100, 2, stereo);
  const auto reader = MustOpen({.path = path});
  const auto samples = ReadAll(reader.get(), 333);
  EXPECT_EQ(static_cast<int64_t>(samples.size()), ResampledCount(44101, 44100, 16000));
  EXPECT_EQ(reader->total_samples(), static_cast<int64_t>(samples.size()));
  EXPECT_NEAR(AmplitudeAt(samples, 1000, 16000, 500, 15500), 0.375, 1e-3);
  EXPECT_EQ(samples, ReadAll(MustOpen({.path = path}).get(), 16384));
}

TEST(AudioReaderTest, AnyTargetRate) {
  const auto path = WriteAudio(TempPath("8k.wav"), kWav16, 8000, 1, Tone(1000, 8000, 8000));
  const auto samples = ReadAll(MustOpen({.path = path, .sample_rate = 24000}).get());
  EXPECT_EQ(samples.size(), 24000u);
  EXPECT_NEAR(AmplitudeAt(samples, 1000, 24000, 500, 23500), 0.5, 1e-3);
}

TEST(AudioReaderTest, NoSamplesAndOneSample) {
  for (int format : {kWav16, kVorbis}) {
    const auto none = MustOpen({.path = WriteAudio(TempPath("none"), format, 44100, 1, {})});
    ASSERT_NE(none, nullptr);
    EXPECT_TRUE(ReadAll(none.get()).empty());
    EXPECT_EQ(none->warning(), "");
  }
  const auto one = MustOpen({.path = WriteAudio(TempPath("one.wav"), kWav16, 8000, 1, {0.5f})});
  EXPECT_EQ(ReadAll(one.get()).size(), 2u);
}

TEST(AudioReaderTest, BadFilesAreOneClearLine) {
  ExpectRefused(TempPath("absent.wav"), "No such file");
  ExpectRefused(TempPath("."), "folder");
  ExpectRefused("/dev/null", "neither a file nor a pipe");
  WriteBytes(TempPath("empty.wav"), "");
  ExpectRefused(TempPath("empty.wav"), "empty");
  WriteBytes(TempPath("text.wav"), "This is no audio, it is a text about audio.\n");
  ExpectRefused(TempPath("text.wav"), "ffmpeg");
  WriteBytes(TempPath("cut.wav"), WavBytes(1, 16, 1, 16000, "", 100).substr(0, 30));
  ExpectRefused(TempPath("cut.wav"), "damaged WAV header");
  WriteBytes(TempPath("zeros.wav"), std::string(100000, '\0'));
  ExpectRefused(TempPath("zeros.wav"), "ffmpeg");
  WriteBytes(TempPath("rate.wav"), WavBytes(1, 16, 1, 999, "xxxx", 4));
  ExpectRefused(TempPath("rate.wav"), "999 Hz");
  WriteBytes(TempPath("channels.wav"), WavBytes(1, 16, 65, 16000, std::string(1300, 'x'), 1300));
  ExpectRefused(TempPath("channels.wav"), "65 channels");
}

TEST(AudioReaderTest, BadOptionsAreRefused) {
  const auto path = WriteAudio(TempPath("fine.wav"), kWav16, 16000, 1, {0.5f});
  EXPECT_FALSE(AudioReader::Open({.path = path, .sample_rate = 0}).ok());
  EXPECT_FALSE(AudioReader::Open({.path = path, .raw_sample_rate = 999999}).ok());
  EXPECT_FALSE(AudioReader::Open({.path = path, .raw_channels = 0}).ok());
  EXPECT_FALSE(AudioReader::Open({.path = ""}).ok());
}

TEST(AudioReaderTest, NumbersThatAreNoSamplesAreAnError) {
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 3e38f}) {
    std::vector<float> stereo(20000, 0.25f);
    stereo[2 * 7654 + 1] = bad;
    for (int rate : {16000, 44100}) {
      const auto path = WriteAudio(TempPath("bad.wav"), kWavFloat, rate, 2, stereo);
      const auto reader = MustOpen({.path = path});
      std::vector<float> out(1000);
      Result<size_t> count = size_t{1};
      while (count.ok() && *count > 0) count = reader->Read(out);
      ASSERT_FALSE(count.ok());
      ExpectRefused(count.status(), path, "sample 7654 of channel 2");
      EXPECT_FALSE(reader->Read(out).ok()) << "the error stays";
    }
  }
}

TEST(AudioReaderTest, TruncatedFilesAreReadAndReported) {
  const auto tone = Tone(440, 16000, 48000);
  const auto cut = [&](const char* name, int format) {
    const auto path = WriteAudio(TempPath(name), format, 16000, 1, tone);
    const auto bytes = ReadBytes(path);
    WriteBytes(path, bytes.substr(0, bytes.size() / 2));
    return path;
  };
  const auto wav = MustOpen({.path = cut("cut16.wav", kWav16)});
  EXPECT_EQ(ReadAll(wav.get()).size(), 23989u);
  EXPECT_EQ(wav->warning(),
            TempPath("cut16.wav") + ": ends after 1.50 s though its header promises 3.00 s");
  for (const auto& [name, format] : {std::pair("cut.flac", kFlac), std::pair("cut.mp3", kMp3)}) {
    const auto reader = MustOpen({.path = cut(name, format)});
    const auto samples = ReadAll(reader.get());
    EXPECT_GT(samples.size(), 10000u) << name;
    EXPECT_LT(samples.size(), 30000u) << name;
    EXPECT_NE(reader->warning().find("promises 3.00 s"), std::string::npos) << reader->warning();
  }
  const auto opus = MustOpen({.path = cut("cut.opus", kOpus)});
  EXPECT_GT(ReadAll(opus.get()).size(), 10000u);
  EXPECT_NE(opus->warning().find("cut short"), std::string::npos) << opus->warning();
}

TEST(AudioReaderTest, OggWithoutOnePageIsAnError) {
  const auto path = WriteAudio(TempPath("short.ogg"), kVorbis, 16000, 1, Tone(440, 16000, 48000));
  const auto bytes = ReadBytes(path);
  WriteBytes(path, bytes.substr(0, bytes.size() - 200));  // within the only page of audio
  const auto reader = MustOpen({.path = path});
  ASSERT_NE(reader, nullptr);
  std::vector<float> out(100);
  const auto count = reader->Read(out);
  ASSERT_FALSE(count.ok());
  ExpectRefused(count.status(), path, "cut short");
}

TEST(AudioReaderTest, EmptyDataWithAChunkBehindThemAreNoSamples) {
  auto bytes = WavBytes(1, 16, 1, 16000, std::string("LIST\x04\0\0\0INFO", 12), 0);
  bytes[4] = static_cast<char>(bytes.size() - 8);
  WriteBytes(TempPath("none.wav"), bytes);
  const auto reader = MustOpen({.path = TempPath("none.wav")});
  EXPECT_TRUE(ReadAll(reader.get()).empty());
  EXPECT_EQ(reader->total_samples(), 0);
}

TEST(AudioReaderTest, CompressedWavIsReadUpToTheEndOfItsData) {
  const auto tone = Tone(440, 8000, 8000);
  const auto path = WriteAudio(TempPath("law.wav"), SF_FORMAT_WAV | SF_FORMAT_ALAW, 8000, 1, tone);
  const auto bytes = ReadBytes(path);
  WriteBytes(path, bytes + "LIST\xf0\xff\xff\xff");  // libsndfile would search it for minutes
  const auto whole = MustOpen({.path = path, .sample_rate = 8000});
  EXPECT_EQ(ReadAll(whole.get()).size(), 8000u);
  EXPECT_EQ(whole->warning(), "");
  WriteBytes(path, bytes.substr(0, bytes.size() - 4000));
  const auto cut = MustOpen({.path = path, .sample_rate = 8000});
  EXPECT_EQ(ReadAll(cut.get()).size(), 4000u);
  EXPECT_EQ(cut->warning(), path + ": ends after 0.50 s though its header promises 1.00 s");
}

TEST(AudioReaderTest, RecorderThatNeverClosedItsFile) {
  const auto bytes = WavBytes(1, 16, 1, 16000, AsBytes({1, 2, 3, 4}), 0xffffffff);
  WriteBytes(TempPath("open.wav"), bytes);
  const auto reader = MustOpen({.path = TempPath("open.wav")});
  EXPECT_EQ(ReadAll(reader.get()).size(), 4u);
  EXPECT_EQ(reader->warning(), "");
}

TEST(AudioReaderTest, StreamedWavFromAPipe) {
  const std::vector<int16_t> samples = {100, -200, 300, -400, 500, -600};
  for (uint32_t size : {12u, 0u, 0xffffffffu, 0x7ffff024u}) {
    const PipeFile pipe("wav.pipe", WavBytes(1, 16, 2, 16000, AsBytes(samples), size), 7);
    const auto reader = MustOpen({.path = pipe.path()});
    EXPECT_EQ(reader->total_samples().has_value(), size == 12);
    const auto read = ReadAll(reader.get());
    ASSERT_EQ(read.size(), 3u) << size;
    EXPECT_EQ(read[2], -50 / 32768.0f);
    EXPECT_EQ(reader->warning(), "");
  }
}

TEST(AudioReaderTest, TruncatedWavFromAPipe) {
  const PipeFile pipe("cut.pipe",
                      WavBytes(1, 16, 1, 16000, AsBytes(std::vector<int16_t>(16000)), 96000));
  const auto reader = MustOpen({.path = pipe.path()});
  EXPECT_EQ(ReadAll(reader.get()).size(), 16000u);
  EXPECT_NE(reader->warning().find("ends after 1.00 s though its header promises 3.00 s"),
            std::string::npos);
}

TEST(AudioReaderTest, CompressedFormatsFromAPipe) {
  const auto tone = Tone(1000, 16000, 48000);
  for (int format : {kFlac, kVorbis, kOpus, kMp3, SF_FORMAT_AIFF | SF_FORMAT_PCM_16}) {
    const auto path = WriteAudio(TempPath("for_pipe"), format, 16000, 1, tone);
    const PipeFile pipe("compressed.pipe", ReadBytes(path), 1000);
    const auto reader = MustOpen({.path = pipe.path()});
    ASSERT_NE(reader, nullptr);
    const auto samples = ReadAll(reader.get());
    EXPECT_EQ(samples.size(), 48000u) << format;
    EXPECT_NEAR(AmplitudeAt(samples, 1000, 16000, 1000, 47000), 0.5, 0.02) << format;
  }
}

TEST(AudioReaderTest, RawSamplesFromStandardInput) {
  const auto raw = AsBytes({16384, 0, -16384, -16384}) + "x";  // and half a sample
  const auto check = [](const AudioOptions& options) {
    const auto reader = MustOpen(options);
    ASSERT_NE(reader, nullptr);
    EXPECT_EQ(reader->total_samples(), std::nullopt);
    EXPECT_EQ(ReadAll(reader.get()), (std::vector<float>{0.25f, -0.5f}));
  };
  const AudioOptions options = {.path = "-", .raw_channels = 2};
  {
    const PipeFile pipe("raw.pipe", raw, 1);
    const StandardInput input(pipe.path());
    check(options);
  }
  WriteBytes(TempPath("raw.pcm"), raw);
  const StandardInput input(TempPath("raw.pcm"));
  check(options);
}

TEST(AudioReaderTest, RawRateIsResampled) {
  const PipeFile pipe("raw8k.pipe", AsBytes(std::vector<int16_t>(8000, 1000)));
  const auto reader = MustOpen({.path = pipe.path(), .raw_sample_rate = 8000});
  EXPECT_EQ(ReadAll(reader.get()).size(), 16000u);
}

TEST(AudioReaderTest, FilesAsStandardInput) {
  const auto path = WriteAudio(TempPath("in.flac"), kFlac, 16000, 1, Tone(1000, 16000, 16000));
  {
    const StandardInput input(path);
    const auto reader = MustOpen({.path = "-"});
    EXPECT_EQ(reader->total_samples(), 16000);
    EXPECT_EQ(ReadAll(reader.get()).size(), 16000u);
  }
  const StandardInput input("/dev/null");
  const auto reader = AudioReader::Open({.path = "-"});
  ASSERT_FALSE(reader.ok());
  ExpectRefused(reader.status(), "standard input", "empty");
}

// A live recorder's first samples must come through before the recorder ends.
TEST(AudioReaderTest, APipeIsReadAsItFills) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto first = WavBytes(1, 16, 1, 16000, AsBytes({1, 2, 3}), 0);
  ASSERT_EQ(::write(ends[1], first.data(), first.size()), static_cast<ssize_t>(first.size()));
  const auto reader = MustOpen({.path = "/proc/self/fd/" + std::to_string(ends[0])});
  std::vector<float> out(1000);
  EXPECT_EQ(reader->Read(out).value(), 3u);
  ASSERT_EQ(::write(ends[1], "\x01\x02", 2), 2);
  EXPECT_EQ(reader->Read(out).value(), 1u);
  ::close(ends[1]);
  EXPECT_EQ(reader->Read(out).value(), 0u);
  ::close(ends[0]);
}

}  // namespace
}  // namespace espalier
