#include "runtime/audio/ffmpeg_source.h"

#include <unistd.h>

#include <utility>

#include "runtime/audio/child_process.h"
#include "runtime/audio/pcm_stream_source.h"

namespace espalier {
namespace {

// Containers that hold their own audio. Playlists and scripts (hls, concat, dash, ...) stay out:
// an uploaded one could have any other file of this machine read and transcribed.
constexpr char kFormats[] =
    "mov,matroska,avi,asf,flv,mpeg,mpegts,mxf,nut,rm,ogg,"
    "aac,ac3,eac3,amr,amrnb,amrwb,ape,caf,dsf,dts,flac,mlp,mp3,mpc,mpc8,oma,tak,truehd,tta,wv,xwma,"
    "aiff,au,ircam,nistsphere,voc,w64,wav";

constexpr char kInput[] = "file:/dev/stdin";

// ffmpeg's complaints begin with the only name that it knows, which would tell a user nothing.
Status WithoutInputName(const Status& status) {
  std::string message = status.message();
  const std::string prefix = std::string(kInput) + ": ";
  if (const size_t at = message.find(prefix); at != std::string::npos) {
    message.erase(at, prefix.size());
  }
  return Status(status.code(), std::move(message));
}

}  // namespace

Result<std::unique_ptr<PcmSource>> OpenFfmpeg(const std::string& name, const UniqueFd& fd) {
  // By name, not as a pipe: an MP4 file's index may be at its end. The link opens the file anew, so
  // the offset of `fd` does not matter.
  // clang-format off
  const std::vector<std::string> argv = {
      "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error",
      "-protocol_whitelist", "file,pipe", "-format_whitelist", kFormats,
      "-i", kInput, "-map", "0:a:0", "-map_metadata", "-1",
      "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"};
  // clang-format on
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<ByteStream> child,
                       ChildProcess::Start(name, argv, fd.get()));
  // A failure before the first sample is ffmpeg's, not that of the header it did not write.
  const auto first = child->Peek(1);
  if (!first.ok()) return WithoutInputName(first.status());
  if (first->empty()) return InvalidArgument(name + ": ffmpeg found no audio in it");
  return PcmStreamSource::OpenWav(name, std::move(child));
}

}  // namespace espalier
