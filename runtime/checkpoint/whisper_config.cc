// A Hugging Face Whisper folder's config.json, preprocessor_config.json and generation_config.json.
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/base/string_format.h"
#include "runtime/checkpoint/model_config_fields.h"

namespace espalier {
namespace {

constexpr int kTimeTokensPerSecond = 50;

Status ReadDimensions(const JsonFields& fields, ModelConfig* out) {
  ESP_RETURN_IF_ERROR(RequireValue(fields, "activation_function", "gelu"));
  bool scaled = false;
  if (fields.Has("scale_embedding")) ESP_RETURN_IF_ERROR(fields.Bool("scale_embedding", &scaled));
  if (scaled) return Unsupported(fields.where() + ": scale_embedding: true is not supported");
  bool tied = true;
  if (fields.Has("tie_word_embeddings")) {
    ESP_RETURN_IF_ERROR(fields.Bool("tie_word_embeddings", &tied));
  }
  if (!tied) return Unsupported(fields.where() + ": tie_word_embeddings: false is not supported");

  EncoderConfig& e = out->encoder;
  DecoderConfig& d = out->decoder;
  e.subsampling = Subsampling::kConv1d;
  ESP_RETURN_IF_ERROR(fields.Int("d_model", 2, kMaxDimension, &e.width));
  d.width = e.width;
  ESP_RETURN_IF_ERROR(fields.Int("encoder_attention_heads", 1, kMaxDimension, &e.heads));
  ESP_RETURN_IF_ERROR(fields.Int("decoder_attention_heads", 1, kMaxDimension, &d.heads));
  ESP_RETURN_IF_ERROR(fields.Int("encoder_layers", 1, kMaxLayers, &e.layers));
  ESP_RETURN_IF_ERROR(fields.Int("decoder_layers", 1, kMaxLayers, &d.layers));
  ESP_RETURN_IF_ERROR(fields.Int("encoder_ffn_dim", 1, kMaxDimension, &e.ffn_units));
  ESP_RETURN_IF_ERROR(fields.Int("decoder_ffn_dim", 1, kMaxDimension, &d.ffn_units));
  ESP_RETURN_IF_ERROR(fields.Int("max_source_positions", 1, kMaxWindowFrames, &e.max_steps));
  ESP_RETURN_IF_ERROR(fields.Int("max_target_positions", 8, kMaxWindowFrames, &d.max_positions));
  ESP_RETURN_IF_ERROR(fields.Int("vocab_size", 2, kMaxDimension, &out->vocabulary_size));
  for (const auto& [key, heads] : {std::pair{"encoder_attention_heads", e.heads},
                                   std::pair{"decoder_attention_heads", d.heads}}) {
    if (e.width % heads != 0) {
      return fields.Error(key, StrFormat("%d does not divide d_model %d", heads, e.width));
    }
  }
  return OkStatus();
}

Status CheckWindow(const JsonFields& config, const ModelConfig& model) {
  const double frames =
      model.whisper->chunk_length_s * model.frontend.sample_rate / model.frontend.hop_length;
  if (std::lround(frames) == 2 * int64_t{model.encoder.max_steps}) return OkStatus();
  return config.Error("max_source_positions",
                      StrFormat("%d, but a window of %.0f frames has %.0f encoder steps",
                                model.encoder.max_steps, frames, frames / 2));
}

// "<|en|>" -> "en". False when the brackets are missing.
bool StripBrackets(const std::string& token, std::string* out) {
  if (token.size() < 5 || !token.starts_with("<|") || !token.ends_with("|>")) return false;
  *out = token.substr(2, token.size() - 4);
  return true;
}

Status ReadLanguages(const JsonFields& generation, int last_id, WhisperConfig* out) {
  ESP_ASSIGN_OR_RETURN(const JsonFields tasks, generation.Object("task_to_id"));
  ESP_RETURN_IF_ERROR(tasks.Int("transcribe", 0, last_id, &out->transcribe_id));
  ESP_RETURN_IF_ERROR(tasks.Int("translate", 0, last_id, &out->translate_id));
  ESP_ASSIGN_OR_RETURN(const JsonFields languages, generation.Object("lang_to_id"));
  for (const auto& [token, unused] : generation.Find("lang_to_id")->items()) {
    std::string language;
    if (!StripBrackets(token, &language)) {
      return languages.Error(MessageText(token), "expected a token such as <|en|>");
    }
    ESP_RETURN_IF_ERROR(languages.Int(token.c_str(), 0, last_id, &out->language_ids[language]));
  }
  if (out->language_ids.empty()) return generation.Error("lang_to_id", "no language");
  return OkStatus();
}

// Some special tokens have no field of their own; their place in the vocabulary is fixed
// (openai-whisper tokenizer.py): … <|startofprev|> <|nospeech|> <|notimestamps|> <|0.00|> …
Status ReadSpecialTokens(const JsonFields& config, const JsonFields& generation, int last_id,
                         WhisperConfig* out) {
  ESP_RETURN_IF_ERROR(config.Int("decoder_start_token_id", 0, last_id, &out->sot_id));
  ESP_RETURN_IF_ERROR(config.Int("eos_token_id", 0, last_id, &out->eot_id));
  ESP_RETURN_IF_ERROR(generation.Int("no_timestamps_token_id", 2, last_id, &out->no_timestamps_id));
  out->no_speech_id = out->no_timestamps_id - 1;
  out->sot_prev_id = out->no_timestamps_id - 2;
  out->first_time_id = out->no_timestamps_id + 1;
  const double times = out->chunk_length_s * kTimeTokensPerSecond;
  if (out->first_time_id + times > last_id) {
    return generation.Error("no_timestamps_token_id",
                            StrFormat("%d leaves no room for %.0f time tokens in the vocabulary",
                                      out->no_timestamps_id, times));
  }
  out->max_initial_timestamp_index = static_cast<int>(times);
  if (generation.Has("max_initial_timestamp_index")) {
    ESP_RETURN_IF_ERROR(generation.Int("max_initial_timestamp_index", 0,
                                       static_cast<int64_t>(times),
                                       &out->max_initial_timestamp_index));
  }
  return OkStatus();
}

// Old folders have the lists in config.json; null means none.
Status ReadSuppressed(const JsonFields& config, const JsonFields& generation, const char* key,
                      int last_id, std::vector<int>* out) {
  const JsonFields& fields = generation.Has(key) ? generation : config;
  if (!fields.Has(key)) return OkStatus();
  return fields.Ints(key, 0, last_id, out);
}

}  // namespace

Result<ModelConfig> ReadWhisperConfig(const JsonFields& config, const JsonFields& preprocessor,
                                      const JsonFields& generation) {
  ModelConfig model{.family = ModelFamily::kWhisper,
                    .name = {},
                    .frontend = {},
                    .encoder = {},
                    .decoder = {},
                    .base_fingerprint = {},
                    .gate = {},
                    .true_length = {},
                    .alignment_heads = {},
                    .owsm = {},
                    .whisper = WhisperConfig{}};
  WhisperConfig& whisper = *model.whisper;
  whisper.tokenizer_file = "tokenizer.json";
  ESP_RETURN_IF_ERROR(ReadDimensions(config, &model));
  ESP_RETURN_IF_ERROR(ReadFrontend(preprocessor,
                                   {.sample_rate = "sampling_rate",
                                    .n_fft = "n_fft",
                                    .win_length = nullptr,
                                    .hop_length = "hop_length",
                                    .mel_count = "feature_size"},
                                   &model.frontend));
  ESP_RETURN_IF_ERROR(preprocessor.Number("chunk_length", 0.1, 3600, &whisper.chunk_length_s));
  int mels = 0;
  ESP_RETURN_IF_ERROR(config.Int("num_mel_bins", 1, kMaxDimension, &mels));
  if (mels != model.frontend.mel_count) {
    return config.Error("num_mel_bins", StrFormat("%d, but preprocessor_config.json has %d", mels,
                                                  model.frontend.mel_count));
  }
  ESP_RETURN_IF_ERROR(CheckWindow(config, model));

  const int last_id = model.vocabulary_size - 1;
  ESP_RETURN_IF_ERROR(ReadSpecialTokens(config, generation, last_id, &whisper));
  whisper.multilingual = generation.Has("lang_to_id");
  if (generation.Has("is_multilingual")) {
    ESP_RETURN_IF_ERROR(generation.Bool("is_multilingual", &whisper.multilingual));
  }
  if (whisper.multilingual) ESP_RETURN_IF_ERROR(ReadLanguages(generation, last_id, &whisper));
  ESP_RETURN_IF_ERROR(
      ReadSuppressed(config, generation, "suppress_tokens", last_id, &whisper.suppress_ids));
  ESP_RETURN_IF_ERROR(ReadSuppressed(config, generation, "begin_suppress_tokens", last_id,
                                     &whisper.begin_suppress_ids));
  ESP_RETURN_IF_ERROR(ReadAlignmentHeads(generation, &model));
  return model;
}

}  // namespace espalier
