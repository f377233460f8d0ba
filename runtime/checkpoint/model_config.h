// What a model folder's JSON files say: dimensions, special symbols, decoding tables. No tensors.
//
// Goals: one struct that every family fills, every number range-checked here so that nothing behind
// it has to check again. Non-goals: tensor names (model/tensor_table.inc) and text (text/).
// Sources: spec §1, §2, §8, §11; the Hugging Face Whisper files config.json,
// preprocessor_config.json and generation_config.json.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/model_files.h"

namespace espalier {

enum class ModelFamily { kOwsm, kWhisper };

// How log-mel frames become encoder steps.
enum class Subsampling {
  kConv2d,   // two 3x3 stride-2 convolutions, ÷4 (OWSM v3.1)
  kConv2d8,  // three of them, ÷8 (OWSM v4)
  kConv1d,   // kernel 3, stride 1 then 2, GELU, ÷2 (Whisper)
};

struct FrontendConfig {
  int sample_rate = 16000;  // Hz
  int n_fft = 512;          // samples
  int win_length = 400;     // samples, periodic Hann centred in n_fft
  int hop_length = 160;     // samples
  int mel_count = 80;
};

struct EncoderConfig {
  Subsampling subsampling = Subsampling::kConv2d;
  int width = 0;  // d
  int heads = 0;
  int layers = 0;
  int ffn_units = 0;
  int cgmlp_units = 0;   // channels before the split; 0 for Whisper
  int cgmlp_kernel = 0;  // odd
  int merge_kernel = 0;  // odd
  bool macaron = true;   // two half-step feed-forwards; false: one (feed_forward), weight 1
  int max_steps = 0;     // rows of the learned positional table; 0: sinusoids, no limit
};

struct DecoderConfig {
  int width = 0;
  int heads = 0;
  int layers = 0;
  int ffn_units = 0;
  int max_positions = 0;  // rows of the learned positional table; 0: sinusoids, no limit
};

// A row of this name stands for every language that has none of its own.
inline constexpr char kOtherLanguage[] = "other";

// The gate predictor (spec §11). `encoder_modules` and `decoder_modules` give the order of its
// bits.
struct GateConfig {
  int context_size = 0;
  int hidden_size = 0;
  std::vector<std::string> languages;  // row order of the embedding, as "<eng>" or "en"
  std::vector<std::string> tasks;      // row order of the embedding, as "<asr>" or "transcribe"
  std::vector<std::string> encoder_modules;
  std::vector<std::string> decoder_modules;
  std::string tensor_prefix = "gate_predictor";
};

// What is fed of a window that the audio does not fill: the audio, a tail of silence, and at least
// so much in all; never more than the window.
struct TrueLengthConfig {
  double tail_s = 0.0;
  double min_s = 0.0;
};

// Symbols and times of an OWSM checkpoint (spec §8-10). Ids are positions in the token list.
struct OwsmConfig {
  std::string sentencepiece_file;  // relative to the folder
  std::vector<std::string> token_list;
  double speech_length_s = 30.0;      // every window is padded or cut to this
  double speech_resolution_s = 0.02;  // step of the time tokens
  int blank_id = 0, unk_id = 1, na_id = 0, sos_id = 0, eos_id = 0, sop_id = 0;
  int notimestamps_id = 0;
  int first_time_id = 0, last_time_id = 0;  // inclusive range
  std::vector<std::string> languages;       // as "<eng>", in token-list order
  std::vector<std::string> tasks;           // "<asr>", "<st_deu>", ...
};

// Tables of generation_config.json (openai-whisper `decoding.py` has the same rules).
struct WhisperConfig {
  std::string tokenizer_file;  // relative to the folder
  double chunk_length_s = 30.0;
  bool multilingual = true;
  int sot_id = 0, eot_id = 0, sot_prev_id = 0, no_speech_id = 0, no_timestamps_id = 0;
  int translate_id = 0, transcribe_id = 0;  // 0 when not multilingual
  int first_time_id = 0;                    // "<|0.00|>", step 0.02 s, to the vocabulary's end
  int max_initial_timestamp_index = 50;
  std::map<std::string, int> language_ids;  // "en" -> id
  std::vector<int> suppress_ids;            // never sampled
  std::vector<int> begin_suppress_ids;      // not as the first token
};

struct ModelConfig {
  ModelFamily family = ModelFamily::kOwsm;
  std::string name;  // folder name, for messages and JSON output
  FrontendConfig frontend;
  EncoderConfig encoder;
  DecoderConfig decoder;
  int vocabulary_size = 0;
  bool has_ctc = false;
  std::string base_fingerprint;  // of the model that this one was made from; empty: of its own
  std::optional<GateConfig> gate;
  std::optional<TrueLengthConfig> true_length;  // absent: windows are padded to their full length
  // (layer, head) of the decoder's source attention that tell where in the audio a token is:
  // "alignment_heads" of config.json, Whisper: of generation_config.json. Empty: none are known.
  std::vector<std::pair<int, int>> alignment_heads;
  std::optional<OwsmConfig> owsm;        // set when family is kOwsm
  std::optional<WhisperConfig> whisper;  // set when family is kWhisper
};

// The modules of a family that have gates, in the order of a layer's computation: the encoder's
// ("feed_forward_macaron" only where the model has it) and the decoder's.
std::vector<std::string> EncoderModulesOf(ModelFamily family, bool macaron);
std::vector<std::string> DecoderModules();

// Reads the JSON files of a model and checks every field. Errors: kNotFound (no folder, no
// config.json), kCorrupt (not JSON, a field missing, of the wrong type or out of range; the message
// names file and field), kUnsupported (another model_type or a variant that is not implemented).
Result<ModelConfig> LoadModelConfig(const ModelFiles& files);
Result<ModelConfig> LoadModelConfig(const std::string& folder);

// Has the model's file name `heads` as its alignment heads; nothing else of it changes. Errors:
// those of reading and writing it, kCorrupt (no JSON object).
Status SaveAlignmentHeads(const std::string& folder, ModelFamily family,
                          const std::vector<std::pair<int, int>>& heads);

}  // namespace espalier
