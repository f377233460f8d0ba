#include "runtime/audio/ffmpeg_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runtime/audio/audio_reader.h"
#include "runtime/audio/child_process.h"
#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

// What libsndfile does not read: a 2 s tone as AAC in an MP4 file, made by ffmpeg. False without
// ffmpeg.
bool MakeM4a(const std::string& path) {
  std::vector<float> stereo;
  for (float x : Tone(1000, 44100, 88200)) stereo.insert(stereo.end(), {x, x});
  const auto wav =
      WriteAudio(TempPath("source.wav"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, stereo);
  const UniqueFd null(::open("/dev/null", O_RDONLY));
  auto child = ChildProcess::Start("x",
                                   {"ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-i", wav,
                                    "-f", "ipod", "-c:a", "aac", "file:" + path},
                                   null.get());
  if (!child.ok()) return false;
  EXPECT_TRUE((*child)->Peek(1).ok());
  return true;
}

#define MAKE_M4A_OR_SKIP(path) \
  if (!MakeM4a(path)) GTEST_SKIP() << "no ffmpeg on the PATH"

// A program of this text takes ffmpeg's place while this lives.
class FakeFfmpeg {
 public:
  explicit FakeFfmpeg(const std::string& script) : path_(std::getenv("PATH")) {
    const std::string folder = TempPath("fake");
    ::mkdir(folder.c_str(), 0700);
    WriteBytes(folder + "/ffmpeg", "#!/bin/sh\n" + script);
    ::chmod((folder + "/ffmpeg").c_str(), 0700);
    ::setenv("PATH", (folder + ":/usr/bin:/bin").c_str(), 1);
  }
  ~FakeFfmpeg() { ::setenv("PATH", path_.c_str(), 1); }

 private:
  std::string path_;
};

void ExpectTone(const std::string& path) {
  auto reader = AudioReader::Open({.path = path});
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  const auto samples = ReadAll(reader->get());
  EXPECT_NEAR(static_cast<double>(samples.size()), 32000.0, 1000.0);
  EXPECT_NEAR(AmplitudeAt(samples, 1000, 16000, 2000, 30000), 0.5, 0.03);
  EXPECT_EQ((*reader)->total_samples(), std::nullopt);
}

std::string RefusalOf(const std::string& path) {
  const auto reader = AudioReader::Open({.path = path});
  EXPECT_FALSE(reader.ok()) << path;
  EXPECT_EQ(reader.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.status().message().find('\n'), std::string::npos);
  return reader.status().message();
}

TEST(FfmpegSourceTest, ReadsWhatLibsndfileRefuses) {
  MAKE_M4A_OR_SKIP(TempPath("tone.m4a"));
  ExpectTone(TempPath("tone.m4a"));
  const PipeFile pipe("m4a.pipe", ReadBytes(TempPath("tone.m4a")), 5000);
  ExpectTone(pipe.path());
}

TEST(FfmpegSourceTest, NamesAreNotOptionsProtocolsOrPatterns) {
  MAKE_M4A_OR_SKIP(TempPath("tone.m4a"));
  const std::string bytes = ReadBytes(TempPath("tone.m4a"));
  ASSERT_EQ(::chdir(TempPath(".").c_str()), 0);
  for (const char* name : {"-i", "http:x.m4a", "concat:a|b", "%03d.m4a", "a'b\"c d.m4a", "$(id)"}) {
    WriteBytes(name, bytes);
    ExpectTone(name);
  }
}

// A playlist would make ffmpeg read another file of the machine.
TEST(FfmpegSourceTest, FilesThatReferToOtherFilesAreRefused) {
  MAKE_M4A_OR_SKIP(TempPath("secret.m4a"));
  WriteBytes(TempPath("list.m4a"), "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n" +
                                       TempPath("secret.m4a") + "\n#EXT-X-ENDLIST\n");
  EXPECT_NE(RefusalOf(TempPath("list.m4a")).find("whitelist"), std::string::npos);
  WriteBytes(TempPath("concat.m4a"), "ffconcat version 1.0\nfile secret.m4a\n");
  EXPECT_NE(RefusalOf(TempPath("concat.m4a")).find("whitelist"), std::string::npos);
}

TEST(FfmpegSourceTest, DamageIsOneLineWithBothReasons) {
  MAKE_M4A_OR_SKIP(TempPath("tone.m4a"));
  WriteBytes(TempPath("half.m4a"), ReadBytes(TempPath("tone.m4a")).substr(0, 5000));
  const auto message = RefusalOf(TempPath("half.m4a"));
  EXPECT_EQ(message.find(TempPath("half.m4a") + ": ffmpeg: "), 0u) << message;
  EXPECT_NE(message.find("moov atom not found"), std::string::npos) << message;
  EXPECT_NE(message.find("(without it: "), std::string::npos) << message;
  EXPECT_EQ(message.find("/dev/stdin"), std::string::npos) << message;
}

TEST(FfmpegSourceTest, WithoutFfmpegTheFormatsAreNamed) {
  WriteBytes(TempPath("x.m4a"), "not audio");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", TempPath("nothing").c_str(), 1);
  const auto message = RefusalOf(TempPath("x.m4a"));
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_NE(message.find("Without ffmpeg"), std::string::npos) << message;
  EXPECT_NE(message.find("FLAC"), std::string::npos) << message;
}

TEST(FfmpegSourceTest, FailureAfterSomeAudioIsAnError) {
  WriteBytes(TempPath("x.m4a"), "not audio");
  WriteBytes(TempPath("streamed.wav"),
             WavBytes(1, 16, 1, 16000, AsBytes(std::vector<int16_t>(1000)), 0xffffffff));
  const FakeFfmpeg fake("cat " + TempPath("streamed.wav") + "; echo 'broke off' >&2; exit 1\n");
  auto reader = AudioReader::Open({.path = TempPath("x.m4a")});
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  std::vector<float> out(5000);
  EXPECT_EQ((*reader)->Read(out).value(), 1000u);
  const auto end = (*reader)->Read(out);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.status().message(), TempPath("x.m4a") + ": ffmpeg: broke off");
  EXPECT_EQ(end.status().code(), StatusCode::kInvalidArgument);
}

TEST(FfmpegSourceTest, DroppedEarlyItLeavesNoProcess) {
  WriteBytes(TempPath("x.m4a"), "not audio");
  WriteBytes(TempPath("head.wav"), WavBytes(1, 16, 1, 16000, "", 0xffffffff));
  {
    const FakeFfmpeg fake("cat " + TempPath("head.wav") + "; exec cat /dev/zero\n");
    auto reader = AudioReader::Open({.path = TempPath("x.m4a")});
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    std::vector<float> out(5000);
    EXPECT_GT((*reader)->Read(out).value(), 0u);
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace espalier
