// What an esp_audio is.
#pragma once

#include <memory>

#include "runtime/audio/audio_reader.h"

struct esp_audio {
  std::unique_ptr<espalier::AudioReader> reader;
  int sample_rate = 0;  // Hz; 0: the caller's own samples, at whatever rate they are asked for
};
