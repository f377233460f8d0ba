// Signals, files and pipes that the audio tests make for themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/audio/audio_reader.h"
#include "runtime/audio/byte_stream.h"

namespace espalier {

std::string TempPath(const std::string& name);
void WriteBytes(const std::string& path, const std::string& bytes);
std::string ReadBytes(const std::string& path);

std::vector<float> Tone(double hz, int sample_rate, size_t count, double amplitude = 0.5);

// Amplitude of the `hz` component, by correlation over samples[from..to).
double AmplitudeAt(const std::vector<float>& samples, double hz, int sample_rate, size_t from,
                   size_t to);

// Writes interleaved samples in one of libsndfile's formats (SF_FORMAT_...); returns `path`.
std::string WriteAudio(const std::string& path, int format, int sample_rate, int channels,
                       const std::vector<float>& interleaved);

// A WAV file's bytes; data_size overrides the size that the header states.
std::string WavBytes(int format_tag, int bits, int channels, int sample_rate,
                     const std::string& data, uint32_t data_size);

std::string AsBytes(const std::vector<int16_t>& samples);

// Everything that is left in `reader`, read in pieces of `piece` samples; failures fail the test.
std::vector<float> ReadAll(AudioReader* reader, size_t piece = 1000);

// A stream over bytes in memory that hands out at most `piece` of them at once.
std::unique_ptr<ByteStream> MemoryStream(std::string bytes, size_t piece = SIZE_MAX);

// A named pipe that a thread writes `bytes` to, in pieces, as long as somebody reads.
class PipeFile {
 public:
  PipeFile(const std::string& name, std::string bytes, size_t piece = SIZE_MAX);
  ~PipeFile();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::jthread writer_;
};

// Makes `path` the standard input while it lives.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path);
  ~StandardInput();

 private:
  int saved_;
};

}  // namespace espalier
