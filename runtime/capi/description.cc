// Models and gate packs in words and numbers, as JSON.
#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "runtime/base/string_format.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"
#include "runtime/capi/model.h"
#include "runtime/checkpoint/gate_pack.h"
#include "runtime/checkpoint/tensor_store.h"
#include "runtime/session/context.h"

using namespace espalier;        // NOLINT(google-build-using-namespace): the C interface's names
using namespace espalier::capi;  // NOLINT(google-build-using-namespace): are all prefixed

namespace {

const char* SubsamplingName(Subsampling subsampling) {
  switch (subsampling) {
    case Subsampling::kConv2d:
      return "conv2d";
    case Subsampling::kConv2d8:
      return "conv2d8";
    case Subsampling::kConv1d:
      return "conv1d";
  }
  return "unknown";
}

std::vector<std::string> TasksOf(const ModelConfig& config) {
  if (config.family == ModelFamily::kOwsm) return config.owsm->tasks;
  if (!config.whisper->multilingual) return {"transcribe"};
  return {"transcribe", "translate"};
}

nlohmann::ordered_json EncoderJson(const EncoderConfig& encoder) {
  nlohmann::ordered_json json = {{"layers", encoder.layers},
                                 {"width", encoder.width},
                                 {"heads", encoder.heads},
                                 {"ffn", encoder.ffn_units}};
  if (encoder.cgmlp_units > 0) json["cgmlp"] = encoder.cgmlp_units;
  json["subsampling"] = SubsamplingName(encoder.subsampling);
  return json;
}

nlohmann::ordered_json GatesJson(const Engine& engine) {
  const GateMask mask = AllOpen(engine.config());
  nlohmann::ordered_json json = {{"predictor", engine.config().gate.has_value()},
                                 {"count", mask.gate_count()},
                                 {"encoder_modules", mask.encoder.modules},
                                 {"decoder_modules", mask.decoder.modules}};
  if (const auto& pack = engine.gate_pack()) {
    json["pack"] = pack->folder;
    json["budget"] = pack->budget;
    json["changed_tensors"] = pack->changed_tensors;
    json["changed_mb"] = static_cast<double>(pack->changed_bytes) / 1e6;
    json["attached_in_s"] = pack->attach_s;
  }
  return json;
}

std::string InputText(const std::optional<TrueLengthConfig>& input) {
  if (!input) return "the model's full window";
  return StrFormat("true length and %g s, at least %g s", input->tail_s, input->min_s);
}

// Storage types of the weights with the share of each, most first: "f16", "f32 and i8".
Result<std::string> PrecisionOf(const ModelFiles& files) {
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<TensorStore> store, TensorStore::Open(files));
  std::map<std::string, int64_t> elements;
  for (const std::string& name : store->names()) {
    const TensorView& view = *store->Find(name);
    elements[std::string(DTypeName(view.dtype))] += view.element_count();
  }
  std::vector<std::pair<int64_t, std::string>> types;
  int64_t total = 0;
  for (const auto& [type, count] : elements) {
    types.emplace_back(count, type);
    total += count;
  }
  std::sort(types.rbegin(), types.rend());
  std::string text;
  for (const auto& [count, type] : types) {
    text += text.empty() ? "" : ", ";
    text += type;
    if (types.size() > 1) {
      text += StrFormat(" %.1f %%", 100 * static_cast<double>(count) / static_cast<double>(total));
    }
  }
  return text;
}

nlohmann::ordered_json ModelJson(const Engine& engine, const std::string& precision) {
  const ModelConfig& config = engine.config();
  nlohmann::ordered_json languages = nlohmann::ordered_json::array();
  for (const std::string& name : LanguagesOf(engine).names) languages.push_back(name);
  if (languages.empty()) languages.push_back("en");  // an English-only Whisper has no tokens
  return {{"name", config.name},
          {"family", config.family == ModelFamily::kOwsm ? "owsm" : "whisper"},
          {"parameters", engine.parameter_count()},
          {"precision", precision},
          {"audio",
           {{"sample_rate", config.frontend.sample_rate}, {"mels", config.frontend.mel_count}}},
          {"encoder", EncoderJson(config.encoder)},
          {"decoder",
           {{"layers", config.decoder.layers},
            {"width", config.decoder.width},
            {"heads", config.decoder.heads},
            {"ffn", config.decoder.ffn_units}}},
          {"vocabulary", config.vocabulary_size},
          {"ctc", config.has_ctc},
          {"languages", languages},
          {"tasks", TasksOf(config)},
          {"input", InputText(config.true_length)},
          {"gates", GatesJson(engine)},
          {"fingerprint", engine.base_fingerprint()}};
}

nlohmann::ordered_json PackJson(const GatePack& pack) {
  const GatePackConfig& config = pack.config();
  nlohmann::ordered_json budgets = nlohmann::ordered_json::array();
  for (const GateBudget& budget : config.budgets) budgets.push_back(budget.name);
  std::set<std::string> changed;
  size_t bytes = 0;
  for (const auto& [name, tensor] : pack.tensors().stored()) {
    bytes += tensor.bytes.size();
    if (name.starts_with("add.")) changed.insert(name.substr(4));
    if (name.starts_with("delta.") && name.size() > 8) {
      changed.insert(name.substr(6, name.size() - 8));  // without ".a" or ".b"
    }
  }
  return {{"gate pack", pack.folder()},
          {"base",
           {{"family", config.family == ModelFamily::kOwsm ? "owsm" : "whisper"},
            {"name", config.base_name},
            {"fingerprint", config.fingerprint}}},
          {"budgets", budgets},
          {"default", config.budgets[config.default_budget].name},
          {"languages", config.gate.languages},
          {"tasks", config.gate.tasks},
          {"input", InputText(config.true_length)},
          {"weights",
           {{"changed_tensors", changed.size()}, {"file_mb", 1e-6 * static_cast<double>(bytes)}}},
          {"license", config.license},
          {"recipe", config.recipe}};
}

// One line, always valid UTF-8.
std::string Line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

thread_local std::string pack_description;

}  // namespace

extern "C" {

esp_status esp_model_describe(esp_model* model, const char** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (model == nullptr || out == nullptr) return InvalidArgument("model or text is null");
    const std::lock_guard lock(model->mutex);
    if (model->description.empty()) {
      ESP_ASSIGN_OR_RETURN(const std::string precision, PrecisionOf(model->files));
      model->description = Line(ModelJson(*model->engine, precision));
    }
    *out = model->description.c_str();
    return OkStatus();
  });
}

int32_t esp_is_gate_pack(const char* folder) {
  int32_t is_pack = 0;
  (void)Guard([&] {
    is_pack = folder != nullptr && IsGatePack(folder);
    return OkStatus();
  });
  return is_pack;
}

esp_status esp_gate_pack_describe(const char* folder, const char** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (folder == nullptr || out == nullptr) return InvalidArgument("folder or text is null");
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<GatePack> pack, GatePack::Open(folder));
    pack_description = Line(PackJson(*pack));
    *out = pack_description.c_str();
    return OkStatus();
  });
}

}  // extern "C"
