#include "apps/cli/live/wav_recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

namespace espalier::cli {
namespace {

constexpr int64_t kHeaderBytes = 44, kSampleBytes = 2;
// Sizes have 32 bits: of longer recordings (37 hours at 16 kHz) readers take what the file has.
constexpr int64_t kMaxDataBytes = 0xFFFFFFFF - kHeaderBytes;

void Put(int64_t value, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::string Header(int sample_rate, int64_t samples) {
  const int64_t data_bytes = std::min(samples * kSampleBytes, kMaxDataBytes);
  std::string header = "RIFF";
  Put(data_bytes + kHeaderBytes - 8, 4, &header);
  header += "WAVEfmt ";
  Put(16, 4, &header);
  Put(1, 2, &header);  // PCM
  Put(1, 2, &header);  // channels
  Put(sample_rate, 4, &header);
  Put(sample_rate * kSampleBytes, 4, &header);
  Put(kSampleBytes, 2, &header);
  Put(8 * kSampleBytes, 2, &header);
  header += "data";
  Put(data_bytes, 4, &header);
  return header;
}

bool WriteAt(int fd, std::string_view bytes, int64_t at) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
    at += count;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<WavRecorder>> WavRecorder::Create(const std::string& path, int sample_rate,
                                                         bool replace) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (replace ? O_TRUNC : O_EXCL);
  const int fd = ::open(path.c_str(), flags, 0666);
  if (fd < 0 && errno == EEXIST) return Unwritable(path + ": exists; --force replaces it");
  if (fd < 0) return Unwritable(path + ": " + std::strerror(errno));
  std::unique_ptr<WavRecorder> recorder(new WavRecorder(path, fd, sample_rate));
  ESP_RETURN_IF_ERROR(recorder->WriteHeader());
  return recorder;
}

WavRecorder::~WavRecorder() { ::close(fd_); }

Status WavRecorder::Failed() const { return Unwritable(path_ + ": " + std::strerror(errno)); }

Status WavRecorder::WriteHeader() {
  if (!WriteAt(fd_, Header(sample_rate_, samples_), 0)) return Failed();
  samples_in_header_ = samples_;
  return OkStatus();
}

Status WavRecorder::Add(std::span<const float> samples) {
  std::string bytes;
  bytes.reserve(samples.size() * kSampleBytes);
  for (const float sample : samples) {
    Put(std::lround(std::clamp(sample, -1.0f, 1.0f) * 32767.0f), kSampleBytes, &bytes);
  }
  if (!WriteAt(fd_, bytes, kHeaderBytes + samples_ * kSampleBytes)) return Failed();
  samples_ += std::ssize(samples);
  return samples_ - samples_in_header_ >= sample_rate_ ? WriteHeader() : OkStatus();
}

Status WavRecorder::Finish() { return WriteHeader(); }

}  // namespace espalier::cli
