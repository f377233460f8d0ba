#include "runtime/audio/sndfile_source.h"

#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

// The file as libsndfile's callbacks see it. Not sf_open_fd: that closes a descriptor which it was
// told to leave open when it refuses the file, and ffmpeg needs it then.
struct OpenFile {
  int fd;
  sf_count_t size;
  sf_count_t offset = 0;
};

sf_count_t FileSize(void* user) { return static_cast<OpenFile*>(user)->size; }
sf_count_t Tell(void* user) { return static_cast<OpenFile*>(user)->offset; }

sf_count_t Seek(sf_count_t offset, int whence, void* user) {
  auto* file = static_cast<OpenFile*>(user);
  const sf_count_t base = whence == SEEK_CUR ? file->offset : whence == SEEK_END ? file->size : 0;
  sf_count_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0) return -1;
  file->offset = target;
  return target;
}

sf_count_t ReadAt(void* out, sf_count_t count, void* user) {
  auto* file = static_cast<OpenFile*>(user);
  count = std::min(count, file->size - std::min(file->offset, file->size));
  sf_count_t done = 0;
  while (done < count) {
    const ssize_t n = ::pread(file->fd, static_cast<char*>(out) + done,
                              static_cast<size_t>(count - done), file->offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += n;
    file->offset += n;
  }
  return done;
}

class SndfileSource : public PcmSource {
 public:
  SndfileSource(std::string name, UniqueFd fd, std::unique_ptr<OpenFile> user, SNDFILE* file,
                const SF_INFO& info, std::string warning)
      : name_(std::move(name)),
        fd_(std::move(fd)),
        user_(std::move(user)),
        file_(file),
        promised_frames_(info.frames),
        warning_(std::move(warning)) {
    sample_rate_ = info.samplerate;
    channels_ = info.channels;
  }
  ~SndfileSource() override { sf_close(file_); }

  std::optional<int64_t> total_frames() const override {
    if (!LengthIsKnown()) return std::nullopt;
    return promised_frames_;
  }

  Result<size_t> Read(std::span<float> interleaved) override {
    const auto frames = static_cast<sf_count_t>(interleaved.size()) / channels_;
    if (frames == 0 || at_end_) return size_t{0};
    const sf_count_t count = sf_readf_float(file_, interleaved.data(), frames);
    if (count > 0) {
      frames_read_ += count;
      return static_cast<size_t>(count);
    }
    at_end_ = true;
    if (frames_read_ == 0 && promised_frames_ > 0) {
      return InvalidArgument(name_ +
                             ": no audio can be decoded from it; it is damaged or cut short");
    }
    NoteEnd();
    return size_t{0};
  }

  std::string warning() const override { return warning_; }

 private:
  // libsndfile leaves the length at its maximum when an Ogg stream has no end mark.
  bool LengthIsKnown() const { return promised_frames_ >= 0 && promised_frames_ < SF_COUNT_MAX; }

  void NoteEnd() {
    if (!warning_.empty()) return;
    if (!LengthIsKnown()) {
      warning_ = StrFormat("%s: ends after %.2f s without an end mark; it may be cut short",
                           name_.c_str(), static_cast<double>(frames_read_) / sample_rate_);
    } else if (frames_read_ < promised_frames_) {
      warning_ = TruncationWarning(name_, static_cast<double>(frames_read_) / sample_rate_,
                                   static_cast<double>(promised_frames_) / sample_rate_);
    } else if (sf_error(file_) != SF_ERR_NO_ERROR) {
      warning_ = name_ + ": " + sf_strerror(file_);
    }
  }

  std::string name_;
  UniqueFd fd_;
  std::unique_ptr<OpenFile> user_;  // file_'s callbacks point to it
  SNDFILE* file_;
  int64_t promised_frames_;
  int64_t frames_read_ = 0;
  bool at_end_ = false;
  std::string warning_;
};

}  // namespace

Result<std::unique_ptr<PcmSource>> OpenSndfile(const std::string& name, UniqueFd* fd, int64_t size,
                                               std::string warning) {
  auto user = std::make_unique<OpenFile>(OpenFile{fd->get(), size});
  SF_VIRTUAL_IO callbacks = {FileSize, Seek, ReadAt, nullptr, Tell};
  SF_INFO info{};
  SNDFILE* file = sf_open_virtual(&callbacks, SFM_READ, &info, user.get());
  if (file == nullptr) return Unsupported(name + ": " + sf_strerror(nullptr));
  if (Status checked = CheckPcmFormat(name, info.samplerate, info.channels); !checked.ok()) {
    sf_close(file);
    return checked;
  }
  return std::unique_ptr<PcmSource>(std::make_unique<SndfileSource>(
      name, std::move(*fd), std::move(user), file, info, std::move(warning)));
}

}  // namespace espalier
