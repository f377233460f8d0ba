#include "runtime/audio/audio_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "runtime/audio/byte_stream.h"
#include "runtime/audio/container_probe.h"
#include "runtime/audio/ffmpeg_source.h"
#include "runtime/audio/mono_resampler.h"
#include "runtime/audio/pcm_source.h"
#include "runtime/audio/pcm_stream_source.h"
#include "runtime/audio/sndfile_source.h"
#include "runtime/audio/temporary_copy.h"
#include "runtime/audio/wav_header.h"
#include "runtime/base/string_format.h"

namespace espalier {
namespace {

constexpr size_t kBlockFrames = 4096;
// Far beyond any scale that audio is stored in, and safe to square and sum.
constexpr float kMaxMagnitude = 1e10f;
// Above this a header's length is nonsense and would overflow.
constexpr int64_t kMaxCountedFrames = int64_t{1} << 47;

class MonoReader : public AudioReader {
 public:
  // `resampler` is null when the source has the wanted rate already.
  MonoReader(std::string name, std::unique_ptr<PcmSource> source,
             std::unique_ptr<MonoResampler> resampler, int sample_rate)
      : name_(std::move(name)),
        source_(std::move(source)),
        resampler_(std::move(resampler)),
        sample_rate_(sample_rate),
        interleaved_(kBlockFrames * static_cast<size_t>(source_->channels())) {}

  Result<size_t> Read(std::span<float> out) override {
    if (!failure_.ok()) return failure_;
    auto count = resampler_ != nullptr ? ReadResampled(out) : ReadMono(out);
    if (!count.ok()) failure_ = count.status();
    return count;
  }

  std::optional<int64_t> total_samples() const override {
    const auto frames = source_->total_frames();
    if (!frames || *frames < 0 || *frames > kMaxCountedFrames) return std::nullopt;
    return ResampledCount(*frames, source_->sample_rate(), sample_rate_);
  }

  std::string warning() const override { return source_->warning(); }

 private:
  Result<size_t> ReadMono(std::span<float> out) {
    const auto channels = static_cast<size_t>(source_->channels());
    const size_t wanted = std::min(out.size(), kBlockFrames);
    ESP_ASSIGN_OR_RETURN(const size_t frames,
                         source_->Read(std::span(interleaved_).first(wanted * channels)));
    for (size_t i = 0; i < frames; ++i) {
      double sum = 0;
      for (size_t c = 0; c < channels; ++c) {
        const float x = interleaved_[i * channels + c];
        if (!(std::fabs(x) <= kMaxMagnitude)) {
          return InvalidArgument(StrFormat(
              "%s: sample %lld of channel %zu is %g, expected a number of at most %g",
              name_.c_str(), static_cast<long long>(frames_read_) + static_cast<long long>(i),
              c + 1, static_cast<double>(x), static_cast<double>(kMaxMagnitude)));
        }
        sum += x;
      }
      out[i] = static_cast<float>(sum / static_cast<double>(channels));
    }
    frames_read_ += static_cast<int64_t>(frames);
    return frames;
  }

  Result<size_t> ReadResampled(std::span<float> out) {
    if (out.empty()) return size_t{0};
    for (;;) {
      if (mono_start_ == mono_.size() && !source_ended_) {
        mono_.resize(kBlockFrames);
        mono_start_ = 0;
        ESP_ASSIGN_OR_RETURN(const size_t count, ReadMono(mono_));
        mono_.resize(count);
        source_ended_ = count == 0;
      }
      if (source_ended_) return resampler_->Flush(out);
      ESP_ASSIGN_OR_RETURN(const auto progress,
                           resampler_->Process(std::span(mono_).subspan(mono_start_), out));
      mono_start_ += progress.taken;
      if (progress.produced > 0) return progress.produced;
    }
  }

  std::string name_;
  std::unique_ptr<PcmSource> source_;
  std::unique_ptr<MonoResampler> resampler_;
  int sample_rate_;
  std::vector<float> interleaved_;
  std::vector<float> mono_;  // from mono_start_ on not yet resampled
  size_t mono_start_ = 0;
  bool source_ended_ = false;
  int64_t frames_read_ = 0;
  Status failure_;
};

// A WAV or RF64 file of `size` bytes. `fd` as in OpenSndfile.
Result<std::unique_ptr<PcmSource>> OpenWavFile(const std::string& name, UniqueFd* fd,
                                               int64_t size) {
  UniqueFd copy(::fcntl(fd->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy.valid() || ::lseek(copy.get(), 0, SEEK_SET) != 0) {
    return InvalidArgument(name + ": " + std::strerror(errno));
  }
  auto stream = std::make_unique<FdByteStream>(std::move(copy), name);
  ESP_ASSIGN_OR_RETURN(const WavHeader header, ReadWavHeader(name, stream.get()));
  const int64_t there = size - stream->position();
  if (header.encoding) {
    return PcmStreamSource::OpenWavData(name, std::move(stream), header, there);
  }
  if (!header.data_bytes) return Unsupported(name + ": compressed samples of unknown length.");
  std::string warning;
  if (there < *header.data_bytes && header.bytes_per_second > 0) {
    const auto rate = static_cast<double>(header.bytes_per_second);
    warning = TruncationWarning(name, static_cast<double>(there) / rate,
                                static_cast<double>(*header.data_bytes) / rate);
  }
  // Not what comes after the data: see sndfile_source.h.
  return OpenSndfile(name, fd, stream->position() + std::min(there, *header.data_bytes),
                     std::move(warning));
}

Result<std::unique_ptr<PcmSource>> OpenWithoutFfmpeg(const std::string& name, UniqueFd* fd) {
  struct stat info {};
  std::array<uint8_t, kProbeMarkBytes> start;
  const ssize_t count = ::pread(fd->get(), start.data(), start.size(), 0);
  if (count < 0 || ::fstat(fd->get(), &info) != 0) {
    return InvalidArgument(name + ": " + std::strerror(errno));
  }
  const auto mark = std::span(start).first(static_cast<size_t>(count));
  if (ProbeContainer(mark) == Container::kWav) return OpenWavFile(name, fd, info.st_size);
  if (IsBigEndianWav(mark)) return Unsupported(name + ": big-endian WAV (RIFX).");
  return OpenSndfile(name, fd, info.st_size, /*warning=*/{});
}

Result<std::unique_ptr<PcmSource>> OpenRegularFile(const std::string& name, UniqueFd fd) {
  auto source = OpenWithoutFfmpeg(name, &fd);
  if (source.ok() || source.status().code() != StatusCode::kUnsupported) return source;
  const std::string& refusal = source.status().message();
  auto decoded = OpenFfmpeg(name, fd);
  if (decoded.ok()) return decoded;
  if (decoded.status().code() == StatusCode::kUnsupported) {
    return InvalidArgument(
        refusal +
        " Without ffmpeg on the PATH, WAV, FLAC, MP3, Ogg Vorbis, Opus and AIFF can be read");
  }
  // "NAME: ffmpeg: reason (without it: reason)"
  const std::string reason = refusal.substr(std::min(refusal.size(), name.size() + 2));
  return Status(decoded.status().code(),
                decoded.status().message() + " (without it: " + reason + ")");
}

Result<std::unique_ptr<PcmSource>> OpenPipe(const std::string& name, UniqueFd fd,
                                            const AudioOptions& options) {
  auto stream = std::make_unique<FdByteStream>(std::move(fd), name);
  ESP_ASSIGN_OR_RETURN(auto start, stream->Peek(kProbeMarkBytes));
  if (start.empty()) return InvalidArgument(name + ": empty");
  if (!MarkDecides(start)) {
    ESP_ASSIGN_OR_RETURN(start, stream->Peek(kProbeFrameBytes));
  }
  switch (ProbeContainer(start)) {
    case Container::kWav:
      return PcmStreamSource::OpenWav(name, std::move(stream));
    case Container::kNone:
      return PcmStreamSource::OpenRaw(name, std::move(stream), PcmEncoding::kS16,
                                      options.raw_sample_rate, options.raw_channels);
    case Container::kOther:
      break;
  }
  ESP_ASSIGN_OR_RETURN(UniqueFd copy, CopyToTemporaryFile(name, stream.get()));
  return OpenRegularFile(name, std::move(copy));
}

// Standard input may be a file by redirection. One that begins with a container's mark is opened as
// such; headerless samples, and a file that somebody has read from already, go the way of a pipe.
bool ReadAsFile(int fd) {
  if (::lseek(fd, 0, SEEK_CUR) != 0) return false;
  std::vector<uint8_t> start(kProbeFrameBytes);
  const ssize_t count = ::pread(fd, start.data(), start.size(), 0);
  return count > 0 &&
         ProbeContainer(std::span(start).first(static_cast<size_t>(count))) != Container::kNone;
}

Result<std::unique_ptr<PcmSource>> OpenSource(const std::string& name,
                                              const AudioOptions& options) {
  const bool standard_input = options.path == "-";
  UniqueFd fd(standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                             : ::open(options.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) {
    return InvalidArgument(name + ": " + std::strerror(errno));
  }
  if (S_ISDIR(info.st_mode)) return InvalidArgument(name + ": is a folder, expected audio");
  if (S_ISREG(info.st_mode)) {
    if (info.st_size == 0) return InvalidArgument(name + ": the file is empty");
    if (!standard_input || ReadAsFile(fd.get())) return OpenRegularFile(name, std::move(fd));
  } else if (!standard_input && !S_ISFIFO(info.st_mode)) {
    return InvalidArgument(name + ": neither a file nor a pipe");
  }
  return OpenPipe(name, std::move(fd), options);
}

}  // namespace

Status CheckSamples(std::span<const float> samples) {
  for (size_t i = 0; i < samples.size(); ++i) {
    if (!(std::fabs(samples[i]) <= kMaxMagnitude)) {
      return InvalidArgument(StrFormat("sample %zu is %g, expected a number of at most %g", i,
                                       static_cast<double>(samples[i]),
                                       static_cast<double>(kMaxMagnitude)));
    }
  }
  return OkStatus();
}

Result<std::unique_ptr<AudioReader>> AudioReader::Open(const AudioOptions& options) {
  ESP_RETURN_IF_ERROR(CheckPcmFormat("audio", options.sample_rate, 1));
  ESP_RETURN_IF_ERROR(CheckPcmFormat("raw audio", options.raw_sample_rate, options.raw_channels));
  const std::string name = options.path == "-" ? "standard input" : options.path;
  ESP_ASSIGN_OR_RETURN(auto source, OpenSource(name, options));
  std::unique_ptr<MonoResampler> resampler;
  if (source->sample_rate() != options.sample_rate) {
    ESP_ASSIGN_OR_RETURN(resampler,
                         MonoResampler::Create(source->sample_rate(), options.sample_rate));
  }
  return std::unique_ptr<AudioReader>(std::make_unique<MonoReader>(
      name, std::move(source), std::move(resampler), options.sample_rate));
}

}  // namespace espalier
