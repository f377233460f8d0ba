// The configuration files of both families, from their texts: what LoadModelConfig calls after
// reading a folder, and what tests and fuzzers call without one.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/status.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/checkpoint/model_config.h"

namespace espalier {

// Bounds that every configured size must keep; the converter has the same (models/bad_input.py).
inline constexpr int kMaxDimension = 1 << 20;  // of any tensor axis; OWSM's largest is 50002
inline constexpr int kMaxLayers = 256;
// Log-mel frames of one window: 1000 s at 100 frames a second. Buffers are sized by it.
inline constexpr int kMaxWindowFrames = 100'000;

// One file's text and how messages call it.
struct ConfigFile {
  std::string where;
  std::string_view text;
};

// A model folder made by models/convert.py. Errors: those of LoadModelConfig.
Result<ModelConfig> ParseOwsmConfig(const ConfigFile& config);

// A Hugging Face Whisper folder. Errors: those of LoadModelConfig.
struct WhisperConfigFiles {
  ConfigFile config;        // config.json
  ConfigFile preprocessor;  // preprocessor_config.json
  ConfigFile generation;    // generation_config.json
};
Result<ModelConfig> ParseWhisperConfig(const WhisperConfigFiles& files);

// "model_type" of a config.json. Errors: kCorrupt.
Result<std::string> ParseModelType(const ConfigFile& config);

// kUnsupported "where: key: value is not supported; supported: …" unless the field is a string that
// equals `supported`.
Status RequireValue(const JsonFields& fields, const char* key, std::string_view supported);

// Sample rate, FFT, window, hop and mels of `fields`, under the names of either family, checked
// against each other.
struct FrontendKeys {
  const char* sample_rate;
  const char* n_fft;
  const char* win_length;  // null: as long as n_fft
  const char* hop_length;
  const char* mel_count;
};
Status ReadFrontend(const JsonFields& fields, const FrontendKeys& keys, FrontendConfig* out);

}  // namespace espalier
