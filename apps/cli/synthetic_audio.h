// Audio that needs no file: gliding tones in noise. Speed does not depend on what is said.
#pragma once

#include <memory>

#include "apps/cli/client/audio.h"

namespace espalier::cli {

// The same samples every time. Errors: those of Audio::Make.
Result<std::unique_ptr<Audio>> MakeSyntheticAudio(int64_t sample_count, int sample_rate);

}  // namespace espalier::cli
