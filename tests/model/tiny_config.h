// Two encoder layers and one decoder layer of Whisper's modules.
#pragma once

#include "runtime/checkpoint/model_config.h"

namespace espalier {

inline ModelConfig TinyConfig() {
  ModelConfig config;
  config.family = ModelFamily::kWhisper;
  config.encoder.layers = 2;
  config.decoder.layers = 1;
  return config;
}

}  // namespace espalier
