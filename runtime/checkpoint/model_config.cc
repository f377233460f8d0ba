#include "runtime/checkpoint/model_config.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_file.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/checkpoint/model_config_fields.h"

namespace espalier {
namespace {

constexpr size_t kMaxConfigBytes = 64 << 20;  // a token list of a million entries fits
constexpr double kShortestInputS = 0.1;       // some encoder steps in every family
constexpr double kLongestInputS = 3600;
constexpr size_t kMaxAlignmentHeads = 4096;

// One file of a model, read and parsed.
class ConfigFile {
 public:
  static Result<ConfigFile> Open(const ModelFiles& files, const char* name) {
    const std::string path = files.PathOf(name);
    ESP_ASSIGN_OR_RETURN(const std::string text, files.Read(name, kMaxConfigBytes));
    auto json = std::make_unique<nlohmann::json>();
    ESP_RETURN_IF_ERROR(ParseJson(text, JsonLimits{}, json.get()).WithContext(path));
    ESP_ASSIGN_OR_RETURN(JsonFields fields, JsonFields::Of(*json, path));
    return ConfigFile(std::move(json), std::move(fields));
  }
  const JsonFields& fields() const { return fields_; }

 private:
  ConfigFile(std::unique_ptr<nlohmann::json> json, JsonFields fields)
      : json_(std::move(json)), fields_(std::move(fields)) {}

  std::unique_ptr<nlohmann::json> json_;  // what fields_ refers to
  JsonFields fields_;
};

}  // namespace

Status RequireValue(const JsonFields& fields, const char* key, std::string_view supported) {
  std::string value;
  ESP_RETURN_IF_ERROR(fields.String(key, &value));
  if (value == supported) return OkStatus();
  return Unsupported(fields.where() + ": " + key + ": \"" + MessageText(value) +
                     "\" is not supported; supported: " + std::string(supported));
}

Status ReadTrueLength(const JsonFields& root, std::optional<TrueLengthConfig>* out) {
  if (!root.Has("input")) return OkStatus();
  ESP_ASSIGN_OR_RETURN(const JsonFields input, root.Object("input"));
  bool true_length = false;
  ESP_RETURN_IF_ERROR(input.Bool("true_length", &true_length));
  if (!true_length) return OkStatus();
  TrueLengthConfig config;
  ESP_RETURN_IF_ERROR(input.Number("tail_seconds", 0, kLongestInputS, &config.tail_s));
  ESP_RETURN_IF_ERROR(input.Number("min_seconds", kShortestInputS, kLongestInputS, &config.min_s));
  *out = config;
  return OkStatus();
}

Status ReadAlignmentHeads(const JsonFields& fields, ModelConfig* out) {
  const nlohmann::json* heads = fields.Find(kAlignmentHeadsKey);
  if (heads == nullptr) return OkStatus();
  if (!heads->is_array() || heads->size() > kMaxAlignmentHeads) {
    return fields.Error(kAlignmentHeadsKey, "expected a list of [layer, head]");
  }
  for (const nlohmann::json& pair : *heads) {
    const bool good = pair.is_array() && pair.size() == 2 && pair[0].is_number_unsigned() &&
                      pair[1].is_number_unsigned() &&
                      pair[0].get<uint64_t>() < static_cast<uint64_t>(out->decoder.layers) &&
                      pair[1].get<uint64_t>() < static_cast<uint64_t>(out->decoder.heads);
    if (!good) {
      return fields.Error(kAlignmentHeadsKey, "expected pairs [layer, head] within the decoder's");
    }
    out->alignment_heads.emplace_back(pair[0].get<int>(), pair[1].get<int>());
  }
  return OkStatus();
}

std::vector<std::string> EncoderModulesOf(ModelFamily family, bool macaron) {
  if (family == ModelFamily::kWhisper) return {"attn", "feed_forward"};
  if (!macaron) return {"attn", "cgmlp", "feed_forward"};
  return {"feed_forward_macaron", "attn", "cgmlp", "feed_forward"};
}

std::vector<std::string> DecoderModules() { return {"self_attn", "src_attn", "feed_forward"}; }

Status ReadGateModules(const JsonFields& fields, const char* key,
                       const std::vector<std::string>& known, std::vector<std::string>* out) {
  ESP_RETURN_IF_ERROR(fields.Strings(key, out));
  if (std::is_permutation(out->begin(), out->end(), known.begin(), known.end())) return OkStatus();
  std::string names;
  for (const std::string& name : known) names += " " + name;
  return fields.Error(key, "expected each of" + names + " once");
}

Status ReadFingerprint(const JsonFields& fields, const char* key, std::string* out) {
  std::string text;
  ESP_RETURN_IF_ERROR(fields.String(key, &text));
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fields.Error(key, "\"" + MessageText(text) + "\", expected 64 hexadecimal digits");
  }
  *out = std::move(text);
  return OkStatus();
}

Status ReadFrontend(const JsonFields& fields, const FrontendKeys& keys, FrontendConfig* out) {
  ESP_RETURN_IF_ERROR(fields.Int(keys.sample_rate, 1000, 384'000, &out->sample_rate));
  ESP_RETURN_IF_ERROR(fields.Int(keys.n_fft, 2, 1 << 16, &out->n_fft));
  out->win_length = out->n_fft;
  if (keys.win_length != nullptr) {
    ESP_RETURN_IF_ERROR(fields.Int(keys.win_length, 1, out->n_fft, &out->win_length));
  }
  ESP_RETURN_IF_ERROR(fields.Int(keys.hop_length, 1, 1 << 16, &out->hop_length));
  ESP_RETURN_IF_ERROR(fields.Int(keys.mel_count, 1, 4096, &out->mel_count));
  if (out->n_fft % 2 != 0) {
    return fields.Error(keys.n_fft, StrFormat("%d, expected an even number", out->n_fft));
  }
  return OkStatus();
}

Result<ModelConfig> LoadModelConfig(const std::string& folder) {
  return LoadModelConfig(ModelFiles::OfFolder(folder));
}

Result<ModelConfig> LoadModelConfig(const ModelFiles& files) {
  if (files.is_folder() && !PathExists(files.place())) {
    return NotFound(files.place() + ": no such model folder");
  }
  ESP_ASSIGN_OR_RETURN(const ConfigFile config, ConfigFile::Open(files, "config.json"));
  std::string type;
  ESP_RETURN_IF_ERROR(config.fields().String("model_type", &type));
  ModelConfig model;
  if (type == "owsm") {
    ESP_ASSIGN_OR_RETURN(model, ReadOwsmConfig(config.fields()));
  } else if (type == "whisper") {
    ESP_ASSIGN_OR_RETURN(const ConfigFile preprocessor,
                         ConfigFile::Open(files, "preprocessor_config.json"));
    ESP_ASSIGN_OR_RETURN(const ConfigFile generation,
                         ConfigFile::Open(files, "generation_config.json"));
    ESP_ASSIGN_OR_RETURN(
        model, ReadWhisperConfig(config.fields(), preprocessor.fields(), generation.fields()));
  } else {
    return Unsupported(config.fields().where() + ": model_type: \"" + MessageText(type) +
                       "\" is not supported; supported: owsm (made by models/convert.py), whisper");
  }
  if (config.fields().Has("espalier_base_fingerprint")) {
    ESP_RETURN_IF_ERROR(
        ReadFingerprint(config.fields(), "espalier_base_fingerprint", &model.base_fingerprint));
  }
  model.name = files.name();
  return model;
}

Status SaveAlignmentHeads(const std::string& folder, ModelFamily family,
                          const std::vector<std::pair<int, int>>& heads) {
  const std::string path =
      folder + (family == ModelFamily::kWhisper ? "/generation_config.json" : "/config.json");
  ESP_ASSIGN_OR_RETURN(nlohmann::ordered_json json, ReadJsonObject(path));
  json[kAlignmentHeadsKey] = heads;
  return WriteJsonObject(path, json);
}

}  // namespace espalier
