// config.json as models/convert.py writes it (spec §1, §2, §8, §11).
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "runtime/base/string_format.h"
#include "runtime/checkpoint/model_config_fields.h"

namespace espalier {
namespace {

using TokenIds = std::unordered_map<std::string_view, int>;

// A file or symbol of the folder that a message can show.
std::string Quoted(std::string_view text) { return "\"" + MessageText(text) + "\""; }

Status ReadEncoder(const JsonFields& root, EncoderConfig* out) {
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, root.Object("encoder"));
  ESP_RETURN_IF_ERROR(RequireValue(fields, "type", "e_branchformer"));
  std::string input;
  ESP_RETURN_IF_ERROR(fields.String("input_layer", &input));
  if (input != "conv2d" && input != "conv2d8") {
    return Unsupported(fields.where() + ": input_layer: " + Quoted(input) +
                       " is not supported; supported: conv2d, conv2d8");
  }
  out->subsampling = input == "conv2d" ? Subsampling::kConv2d : Subsampling::kConv2d8;
  ESP_RETURN_IF_ERROR(fields.Int("output_size", 2, kMaxDimension, &out->width));
  ESP_RETURN_IF_ERROR(fields.Int("attention_heads", 1, kMaxDimension, &out->heads));
  ESP_RETURN_IF_ERROR(fields.Int("num_blocks", 1, kMaxLayers, &out->layers));
  ESP_RETURN_IF_ERROR(fields.Int("linear_units", 1, kMaxDimension, &out->ffn_units));
  ESP_RETURN_IF_ERROR(fields.Int("cgmlp_linear_units", 2, kMaxDimension, &out->cgmlp_units));
  ESP_RETURN_IF_ERROR(fields.Int("cgmlp_conv_kernel", 1, kMaxDimension, &out->cgmlp_kernel));
  ESP_RETURN_IF_ERROR(fields.Int("merge_conv_kernel", 1, kMaxDimension, &out->merge_kernel));
  ESP_RETURN_IF_ERROR(fields.Bool("macaron_ffn", &out->macaron));
  if (out->width % out->heads != 0 || out->width % 2 != 0) {
    return fields.Error("output_size",
                        StrFormat("%d, expected even and a multiple of attention_heads %d",
                                  out->width, out->heads));
  }
  if (out->cgmlp_units % 2 != 0) return fields.Error("cgmlp_linear_units", "expected even");
  if (out->cgmlp_kernel % 2 == 0) return fields.Error("cgmlp_conv_kernel", "expected odd");
  if (out->merge_kernel % 2 == 0) return fields.Error("merge_conv_kernel", "expected odd");
  return OkStatus();
}

Status ReadDecoder(const JsonFields& root, int width, DecoderConfig* out) {
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, root.Object("decoder"));
  ESP_RETURN_IF_ERROR(RequireValue(fields, "type", "transformer"));
  out->width = width;
  ESP_RETURN_IF_ERROR(fields.Int("attention_heads", 1, kMaxDimension, &out->heads));
  ESP_RETURN_IF_ERROR(fields.Int("num_blocks", 1, kMaxLayers, &out->layers));
  ESP_RETURN_IF_ERROR(fields.Int("linear_units", 1, kMaxDimension, &out->ffn_units));
  if (width % out->heads != 0) {
    return fields.Error("attention_heads",
                        StrFormat("%d does not divide the width %d", out->heads, width));
  }
  return OkStatus();
}

Result<TokenIds> ReadTokenList(const JsonFields& root, std::vector<std::string>* tokens) {
  ESP_RETURN_IF_ERROR(root.Strings("token_list", tokens));
  if (tokens->size() < 2 || tokens->size() > static_cast<size_t>(kMaxDimension)) {
    return root.Error("token_list",
                      StrFormat("%zu tokens, expected 2 to %d", tokens->size(), kMaxDimension));
  }
  TokenIds ids;
  for (const std::string& token : *tokens) {
    if (!ids.emplace(token, static_cast<int>(ids.size())).second) {
      return root.Error("token_list", Quoted(token) + " occurs twice");
    }
  }
  return ids;
}

Status FindToken(const JsonFields& fields, const char* key, const TokenIds& ids, int* out) {
  std::string token;
  ESP_RETURN_IF_ERROR(fields.String(key, &token));
  const auto found = ids.find(token);
  if (found == ids.end()) return fields.Error(key, Quoted(token) + " is not in token_list");
  *out = found->second;
  return OkStatus();
}

Status ReadSymbols(const JsonFields& root, const TokenIds& ids, OwsmConfig* out) {
  ESP_ASSIGN_OR_RETURN(const JsonFields symbols, root.Object("symbols"));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "unk", ids, &out->unk_id));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "na", ids, &out->na_id));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "sos", ids, &out->sos_id));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "eos", ids, &out->eos_id));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "sop", ids, &out->sop_id));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "notimestamps", ids, &out->notimestamps_id));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "first_time", ids, &out->first_time_id));
  ESP_RETURN_IF_ERROR(FindToken(symbols, "last_time", ids, &out->last_time_id));
  ESP_RETURN_IF_ERROR(root.Number("speech_length", 0.001, 3600, &out->speech_length_s));
  ESP_RETURN_IF_ERROR(root.Number("speech_resolution", 0.001, 3600, &out->speech_resolution_s));
  const int steps = out->last_time_id - out->first_time_id;
  if (steps != std::lround(out->speech_length_s / out->speech_resolution_s)) {
    return symbols.Error("last_time",
                         StrFormat("%d tokens after first_time, but speech_length / "
                                   "speech_resolution is %g",
                                   steps, out->speech_length_s / out->speech_resolution_s));
  }
  return OkStatus();
}

// A list of tokens without repeats, each in the token list.
Status ReadTokenNames(const JsonFields& fields, const char* key, const TokenIds& ids,
                      std::vector<std::string>* out) {
  ESP_RETURN_IF_ERROR(fields.Strings(key, out));
  if (out->empty()) return fields.Error(key, "expected at least one");
  for (auto it = out->begin(); it != out->end(); ++it) {
    if (!ids.contains(*it)) return fields.Error(key, Quoted(*it) + " is not in token_list");
    if (std::find(out->begin(), it, *it) != it) {
      return fields.Error(key, Quoted(*it) + " occurs twice");
    }
  }
  return OkStatus();
}

Status ReadGate(const JsonFields& root, const TokenIds& ids, ModelConfig* out) {
  if (!root.Has("gate")) return OkStatus();
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, root.Object("gate"));
  GateConfig gate;
  ESP_RETURN_IF_ERROR(fields.Int("context_size", 1, kMaxDimension, &gate.context_size));
  ESP_RETURN_IF_ERROR(fields.Int("hidden_size", 1, kMaxDimension, &gate.hidden_size));
  ESP_RETURN_IF_ERROR(ReadTokenNames(fields, "languages", ids, &gate.languages));
  ESP_RETURN_IF_ERROR(ReadTokenNames(fields, "tasks", ids, &gate.tasks));
  ESP_RETURN_IF_ERROR(ReadGateModules(fields, "encoder_modules",
                                      EncoderModulesOf(out->family, out->encoder.macaron),
                                      &gate.encoder_modules));
  ESP_RETURN_IF_ERROR(
      ReadGateModules(fields, "decoder_modules", DecoderModules(), &gate.decoder_modules));
  out->gate = std::move(gate);
  return OkStatus();
}

// The subsampling convolutions need a few frames (spec §1); buffers are sized by the window.
Status CheckWindow(const JsonFields& root, const ModelConfig& model) {
  const double frames =
      model.owsm->speech_length_s * model.frontend.sample_rate / model.frontend.hop_length;
  const int fewest = model.encoder.subsampling == Subsampling::kConv2d ? 7 : 15;
  if (frames < fewest || frames > kMaxWindowFrames) {
    return root.Error("speech_length", StrFormat("a window of %.0f frames, expected %d to %d",
                                                 frames, fewest, kMaxWindowFrames));
  }
  if (!model.true_length) return OkStatus();
  const double shortest =
      model.true_length->min_s * model.frontend.sample_rate / model.frontend.hop_length;
  if (shortest >= fewest) return OkStatus();
  return root.Error("input",
                    StrFormat("min_seconds: %.0f frames, expected at least %d", shortest, fewest));
}

Status ReadTokenizer(const JsonFields& root, OwsmConfig* out) {
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, root.Object("tokenizer"));
  ESP_RETURN_IF_ERROR(RequireValue(fields, "type", "sentencepiece"));
  ESP_RETURN_IF_ERROR(fields.String("model", &out->sentencepiece_file));
  // Only files of the folder itself: the configuration comes from strangers.
  if (out->sentencepiece_file.find_first_of("/\\") != std::string::npos) {
    return fields.Error("model", Quoted(out->sentencepiece_file) + ", expected a file name");
  }
  return OkStatus();
}

}  // namespace

Result<ModelConfig> ReadOwsmConfig(const JsonFields& root) {
  int version = 0;
  ESP_RETURN_IF_ERROR(root.Int("format_version", 1, 1 << 20, &version));
  if (version != 1) {
    return Unsupported(root.where() + StrFormat(": format_version: %d is newer than this program "
                                                "(1); convert the model again",
                                                version));
  }
  ModelConfig model{.family = ModelFamily::kOwsm,
                    .name = {},
                    .frontend = {},
                    .encoder = {},
                    .decoder = {},
                    .base_fingerprint = {},
                    .gate = {},
                    .true_length = {},
                    .alignment_heads = {},
                    .owsm = OwsmConfig{},
                    .whisper = {}};
  ESP_ASSIGN_OR_RETURN(const JsonFields frontend, root.Object("frontend"));
  ESP_RETURN_IF_ERROR(ReadFrontend(frontend,
                                   {.sample_rate = "sample_rate",
                                    .n_fft = "n_fft",
                                    .win_length = "win_length",
                                    .hop_length = "hop_length",
                                    .mel_count = "mel_count"},
                                   &model.frontend));
  ESP_RETURN_IF_ERROR(ReadEncoder(root, &model.encoder));
  ESP_RETURN_IF_ERROR(ReadDecoder(root, model.encoder.width, &model.decoder));
  ESP_RETURN_IF_ERROR(ReadTokenizer(root, &*model.owsm));
  ESP_ASSIGN_OR_RETURN(const TokenIds ids, ReadTokenList(root, &model.owsm->token_list));
  model.vocabulary_size = static_cast<int>(model.owsm->token_list.size());
  ESP_RETURN_IF_ERROR(ReadSymbols(root, ids, &*model.owsm));
  ESP_RETURN_IF_ERROR(ReadTokenNames(root, "languages", ids, &model.owsm->languages));
  ESP_RETURN_IF_ERROR(ReadTokenNames(root, "tasks", ids, &model.owsm->tasks));
  model.has_ctc = root.Has("ctc");
  if (model.has_ctc) {
    ESP_ASSIGN_OR_RETURN(const JsonFields ctc, root.Object("ctc"));
    ESP_RETURN_IF_ERROR(FindToken(ctc, "blank", ids, &model.owsm->blank_id));
  }
  ESP_RETURN_IF_ERROR(ReadGate(root, ids, &model));
  ESP_RETURN_IF_ERROR(ReadTrueLength(root, &model.true_length));
  ESP_RETURN_IF_ERROR(ReadAlignmentHeads(root, &model));
  ESP_RETURN_IF_ERROR(CheckWindow(root, model));
  return model;
}

}  // namespace espalier
