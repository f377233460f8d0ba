// The token ids of a Whisper checkpoint as its search rules take them.
#pragma once

#include "runtime/checkpoint/model_config.h"
#include "runtime/search/whisper_rules.h"

namespace espalier {

WhisperTokenIds WhisperTokenIdsOf(const WhisperConfig& config);

}  // namespace espalier
