// speech_file OUT: the sound of tests/stream/signals.h as 16-bit samples, and as OUT.wav.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "tests/stream/signals.h"

namespace {

void Put(std::ofstream& file, const std::string& name, uint32_t value, size_t bytes) {
  file << name;
  for (size_t i = 0; i < bytes; ++i) file.put(static_cast<char>(value >> (8 * i) & 0xFF));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::vector<float> samples = espalier::Silence(0.5);
  espalier::Append(espalier::SpeechLike(1.3, 1), &samples);
  espalier::Append(espalier::Silence(1.0), &samples);
  espalier::Append(espalier::SpeechLike(1.0, 2), &samples);
  std::vector<int16_t> pcm;
  for (const float sample : samples) {
    pcm.push_back(static_cast<int16_t>(std::lround(std::clamp(sample, -1.0f, 1.0f) * 32767.0f)));
  }
  const auto bytes = static_cast<uint32_t>(pcm.size() * sizeof(int16_t));
  const auto* data = reinterpret_cast<const char*>(pcm.data());  // little-endian machines
  std::ofstream(argv[1], std::ios::binary).write(data, bytes);
  std::ofstream wav(std::string(argv[1]) + ".wav", std::ios::binary);
  Put(wav, "RIFF", bytes + 36, 4);
  Put(wav, "WAVEfmt ", 16, 4);
  Put(wav, "", 0x00010001, 4);  // PCM, one channel
  Put(wav, "", 16000, 4);
  Put(wav, "", 32000, 4);
  Put(wav, "", 0x00100002, 4);  // bytes of a sample, bits of a sample
  Put(wav, "data", bytes, 4);
  wav.write(data, bytes);
  return wav.good() ? 0 : 1;
}
