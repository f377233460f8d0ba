#include "runtime/checkpoint/model_config.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/checkpoint/model_config_text.h"

namespace espalier {
namespace {

constexpr size_t kMaxConfigBytes = 64 << 20;  // a token list of a million entries fits

std::string FolderName(const std::string& folder) {
  std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "model/"
  const std::string name = path.filename().string();
  return name.empty() || name == "." || name == ".." ? folder : name;
}

}  // namespace

Result<std::string> ParseModelType(const ConfigFile& config) {
  nlohmann::json root;
  ESP_RETURN_IF_ERROR(ParseJson(config.text, JsonLimits{}, &root).WithContext(config.where));
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Of(root, config.where));
  std::string type;
  ESP_RETURN_IF_ERROR(fields.String("model_type", &type));
  return type;
}

Status RequireValue(const JsonFields& fields, const char* key, std::string_view supported) {
  std::string value;
  ESP_RETURN_IF_ERROR(fields.String(key, &value));
  if (value == supported) return OkStatus();
  return Unsupported(fields.where() + ": " + key + ": \"" + MessageText(value) +
                     "\" is not supported; supported: " + std::string(supported));
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
  if (!PathExists(folder)) return NotFound(folder + ": no such model folder");
  const auto read = [&](const char* name) {
    return ReadFile(folder + "/" + name, kMaxConfigBytes);
  };
  const auto where = [&](const char* name) { return folder + "/" + name; };

  ESP_ASSIGN_OR_RETURN(const std::string config, read("config.json"));
  ESP_ASSIGN_OR_RETURN(const std::string type, ParseModelType({where("config.json"), config}));
  ModelConfig model;
  if (type == "owsm") {
    ESP_ASSIGN_OR_RETURN(model, ParseOwsmConfig({where("config.json"), config}));
  } else if (type == "whisper") {
    ESP_ASSIGN_OR_RETURN(const std::string preprocessor, read("preprocessor_config.json"));
    ESP_ASSIGN_OR_RETURN(const std::string generation, read("generation_config.json"));
    ESP_ASSIGN_OR_RETURN(
        model,
        ParseWhisperConfig({.config = {where("config.json"), config},
                            .preprocessor = {where("preprocessor_config.json"), preprocessor},
                            .generation = {where("generation_config.json"), generation}}));
  } else {
    return Unsupported(where("config.json") + ": model_type: \"" + MessageText(type) +
                       "\" is not supported; supported: owsm (made by models/convert.py), whisper");
  }
  model.name = FolderName(folder);
  return model;
}

}  // namespace espalier
