// The configuration of both families from parsed JSON: what LoadModelConfig calls after reading a
// folder, and what tests and fuzzers call without one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/checkpoint/model_config.h"

namespace espalier {

// Bounds that every configured size must keep; the converter has the same (models/bad_input.py).
inline constexpr int kMaxDimension = 1 << 20;  // of any tensor axis; OWSM's largest is 50002
inline constexpr int kMaxLayers = 256;
// Log-mel frames of one window: 1000 s at 100 frames a second. Buffers are sized by it.
inline constexpr int kMaxWindowFrames = 100'000;

// config.json of a folder made by models/convert.py. Errors: those of LoadModelConfig.
Result<ModelConfig> ReadOwsmConfig(const JsonFields& root);

// The files of a Hugging Face Whisper folder: config.json, preprocessor_config.json and
// generation_config.json. Errors: those of LoadModelConfig.
Result<ModelConfig> ReadWhisperConfig(const JsonFields& config, const JsonFields& preprocessor,
                                      const JsonFields& generation);

// kUnsupported "where: key: value is not supported; supported: …" unless the field is a string that
// equals `supported`.
Status RequireValue(const JsonFields& fields, const char* key, std::string_view supported);

// The list `key` of a gate predictor's modules: `known` in any order. Errors: kCorrupt.
Status ReadGateModules(const JsonFields& fields, const char* key,
                       const std::vector<std::string>& known, std::vector<std::string>* out);

// The optional section "input" of a model or a gate pack: {"true_length": bool, "tail_seconds",
// "min_seconds"}. Absent or false: `out` stays as it is, windows are padded. Errors: kCorrupt.
Status ReadTrueLength(const JsonFields& root, std::optional<TrueLengthConfig>* out);

// The optional list "alignment_heads" of [layer, head] within the decoder, which must have been
// read. Errors: kCorrupt.
inline constexpr char kAlignmentHeadsKey[] = "alignment_heads";
Status ReadAlignmentHeads(const JsonFields& fields, ModelConfig* out);

// A fingerprint of weights (fingerprint.h): 64 hexadecimal digits in lower case.
Status ReadFingerprint(const JsonFields& fields, const char* key, std::string* out);

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
