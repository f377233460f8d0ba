// The audio of a golden case.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/checkpoint/safetensors.h"

namespace espalier {

// Samples in [-1, 1) of the stored 16-bit waveform; empty when there is none.
inline std::vector<float> Waveform(const SafetensorsFile& golden) {
  const SafetensorsFile::Stored* stored = golden.FindStored("waveform_i16");
  std::vector<float> samples;
  if (stored == nullptr || stored->dtype != "I16") return samples;
  for (size_t i = 0; i + 1 < stored->bytes.size(); i += sizeof(int16_t)) {
    int16_t value;
    std::memcpy(&value, &stored->bytes[i], sizeof value);
    samples.push_back(static_cast<float>(value) / 32768.0f);
  }
  return samples;
}

}  // namespace espalier
