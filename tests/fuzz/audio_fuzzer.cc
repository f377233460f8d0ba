// An audio file, read once as a file (libsndfile) and once as it would come through a pipe (our own
// WAV reader). ffmpeg is out of reach: it is another project's program in another process.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "runtime/audio/audio_reader.h"
#include "runtime/audio/pcm_stream_source.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using espalier::AudioReader;
using espalier::ByteStream;
using espalier::PcmStreamSource;
using espalier::Result;

constexpr int kMostReads = 40;  // headers may promise hours

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::span<const uint8_t> bytes) : rest_(bytes) {}

 private:
  Result<size_t> ReadMore(std::span<uint8_t> out) override {
    const size_t count = std::min(out.size(), rest_.size());
    std::copy_n(rest_.begin(), count, out.begin());
    rest_ = rest_.subspan(count);
    return count;
  }
  std::span<const uint8_t> rest_;
};

void ReadAsFile(std::span<const uint8_t> bytes) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  FUZZ_REQUIRE(fd >= 0);
  FUZZ_REQUIRE(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  const auto reader = AudioReader::Open({.path = "/proc/self/fd/" + std::to_string(fd)});
  ::close(fd);
  if (!reader.ok()) {
    FUZZ_REQUIRE(!reader.status().message().empty());
    return;
  }
  (void)(*reader)->total_samples();
  std::vector<float> samples(4096);
  for (int i = 0; i < kMostReads; ++i) {
    const auto count = (*reader)->Read(samples);
    fuzz_input_accepted = count.ok();
    if (!count.ok() || *count == 0) break;
    FUZZ_REQUIRE(*count <= samples.size());
    for (size_t k = 0; k < *count; ++k) FUZZ_REQUIRE(std::isfinite(samples[k]));
  }
  (void)(*reader)->warning();
}

void ReadAsPipe(std::span<const uint8_t> bytes) {
  const auto source = PcmStreamSource::OpenWav("fuzz", std::make_unique<MemoryStream>(bytes));
  if (!source.ok()) return;
  const auto channels = static_cast<size_t>((*source)->channels());
  FUZZ_REQUIRE(channels >= 1 && channels <= espalier::kMaxChannels);
  std::vector<float> frames(channels * 512);
  for (int i = 0; i < kMostReads; ++i) {
    const auto count = (*source)->Read(frames);
    if (!count.ok() || *count == 0) break;
    FUZZ_REQUIRE(*count * channels <= frames.size());
  }
  (void)(*source)->warning();
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool no_programs = ::setenv("PATH", "", 1) == 0;
  FUZZ_REQUIRE(no_programs);
  ReadAsFile({data, size});
  ReadAsPipe({data, size});
  return 0;
}
