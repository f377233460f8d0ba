// Audio that needs no file: gliding tones in noise. Speed does not depend on what is said.
#pragma once

#include <memory>

#include "runtime/audio/audio_reader.h"

namespace espalier::cli {

// The same samples every time.
std::unique_ptr<AudioReader> MakeSyntheticAudio(int64_t sample_count, int sample_rate);

}  // namespace espalier::cli
