#include "tests/audio/test_signals.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>

namespace espalier {
namespace {

class MemoryByteStream : public ByteStream {
 public:
  MemoryByteStream(std::string bytes, size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}

 private:
  Result<size_t> ReadMore(std::span<uint8_t> out) override {
    const size_t count = std::min({out.size(), piece_, bytes_.size() - at_});
    std::memcpy(out.data(), bytes_.data() + at_, count);
    at_ += count;
    return count;
  }
  std::string bytes_;
  size_t piece_;
  size_t at_ = 0;
};

void Append(std::string* bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes->push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

}  // namespace

std::string TempPath(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return std::string(folder != nullptr ? folder : "/tmp") + "/" + name;
}

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> Tone(double hz, int sample_rate, size_t count, double amplitude) {
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i) {
    const double turns = hz * static_cast<double>(i) / sample_rate;
    samples[i] = static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * turns));
  }
  return samples;
}

double AmplitudeAt(const std::vector<float>& samples, double hz, int sample_rate, size_t from,
                   size_t to) {
  std::complex<double> sum = 0;
  double weight = 0;
  for (size_t i = from; i < to; ++i) {
    const double at = static_cast<double>(i - from) / static_cast<double>(to - from);
    const double w = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * at);  // no leakage from the ends
    weight += w;
    sum += w * samples[i] *
           std::polar(1.0, -2 * std::numbers::pi * hz * static_cast<double>(i) / sample_rate);
  }
  return 2 * std::abs(sum) / weight;
}

std::string WriteAudio(const std::string& path, int format, int sample_rate, int channels,
                       const std::vector<float>& interleaved) {
  SF_INFO info{};
  info.samplerate = sample_rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  EXPECT_NE(file, nullptr) << path << ": " << sf_strerror(nullptr);
  if (file == nullptr) return path;
  const auto count = static_cast<sf_count_t>(interleaved.size()) / channels;
  // In pieces: libvorbis needs stack in proportion to what it gets at once.
  for (sf_count_t at = 0; at < count; at += 4096) {
    const sf_count_t n = std::min<sf_count_t>(4096, count - at);
    EXPECT_EQ(sf_writef_float(file, interleaved.data() + at * channels, n), n);
  }
  sf_close(file);
  return path;
}

std::string WavBytes(int format_tag, int bits, int channels, int sample_rate,
                     const std::string& data, uint32_t data_size) {
  const auto frame_bytes = static_cast<uint64_t>(channels) * static_cast<uint64_t>((bits + 7) / 8);
  std::string bytes = "RIFF";
  Append(&bytes, data_size + 36ull, 4);
  bytes += "WAVEfmt ";
  Append(&bytes, 16, 4);
  Append(&bytes, static_cast<uint64_t>(format_tag), 2);
  Append(&bytes, static_cast<uint64_t>(channels), 2);
  Append(&bytes, static_cast<uint64_t>(sample_rate), 4);
  Append(&bytes, static_cast<uint64_t>(sample_rate) * frame_bytes, 4);
  Append(&bytes, frame_bytes, 2);
  Append(&bytes, static_cast<uint64_t>(bits), 2);
  bytes += "data";
  Append(&bytes, data_size, 4);
  return bytes + data;
}

std::string AsBytes(const std::vector<int16_t>& samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)};
}

std::vector<float> ReadAll(AudioReader* reader, size_t piece) {
  std::vector<float> all;
  std::vector<float> part(piece);
  for (;;) {
    const auto count = reader->Read(part);
    EXPECT_TRUE(count.ok()) << count.status().message();
    if (!count.ok() || *count == 0) return all;
    all.insert(all.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(*count));
  }
}

std::unique_ptr<ByteStream> MemoryStream(std::string bytes, size_t piece) {
  return std::make_unique<MemoryByteStream>(std::move(bytes), piece);
}

PipeFile::PipeFile(const std::string& name, std::string bytes, size_t piece)
    : path_(TempPath(name)) {
  ::unlink(path_.c_str());
  EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  ::signal(SIGPIPE, SIG_IGN);  // a reader may go early
  writer_ = std::jthread([path = path_, content = std::move(bytes), piece] {
    const int fd = ::open(path.c_str(), O_WRONLY);
    for (size_t at = 0; at < content.size();) {
      const ssize_t n = ::write(fd, content.data() + at, std::min(piece, content.size() - at));
      if (n <= 0) break;
      at += static_cast<size_t>(n);
    }
    ::close(fd);
  });
}

PipeFile::~PipeFile() {
  // Ends the wait of a writer that nobody came for.
  const int fd = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  writer_.join();
  ::close(fd);
  ::unlink(path_.c_str());
}

StandardInput::StandardInput(const std::string& path) : saved_(::dup(STDIN_FILENO)) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  ::dup2(fd, STDIN_FILENO);
  ::close(fd);
}

StandardInput::~StandardInput() {
  ::dup2(saved_, STDIN_FILENO);
  ::close(saved_);
}

}  // namespace espalier
