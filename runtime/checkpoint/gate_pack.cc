#include "runtime/checkpoint/gate_pack.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/model_config_fields.h"

namespace espalier {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;
constexpr size_t kMaxBudgets = 64;
constexpr size_t kMaxNames = 4096;  // languages or tasks
constexpr double kSameBudget = 1e-6;

Status ReadBase(const JsonFields& root, GatePackConfig* out) {
  ESP_ASSIGN_OR_RETURN(const JsonFields base, root.Object("base"));
  std::string family;
  ESP_RETURN_IF_ERROR(base.String("family", &family));
  if (family != "owsm" && family != "whisper") {
    return Unsupported(base.where() + ": family: \"" + MessageText(family) +
                       "\" is not supported; supported: owsm, whisper");
  }
  out->family = family == "owsm" ? ModelFamily::kOwsm : ModelFamily::kWhisper;
  ESP_RETURN_IF_ERROR(base.String("name", &out->base_name));
  return ReadFingerprint(base, "fingerprint", &out->fingerprint);
}

Status ReadNames(const JsonFields& fields, const char* key, std::vector<std::string>* out) {
  ESP_RETURN_IF_ERROR(fields.Strings(key, out));
  if (out->empty() || out->size() > kMaxNames) {
    return fields.Error(key, StrFormat("%zu names, expected 1 to %zu", out->size(), kMaxNames));
  }
  std::vector<std::string> sorted = *out;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return OkStatus();
  return fields.Error(key, "\"" + MessageText(*twice) + "\" occurs twice");
}

Status ReadPredictor(const JsonFields& fields, ModelFamily family, GateConfig* out) {
  ESP_RETURN_IF_ERROR(fields.Int("context_size", 1, kMaxDimension, &out->context_size));
  ESP_RETURN_IF_ERROR(fields.Int("hidden_size", 1, kMaxDimension, &out->hidden_size));
  ESP_RETURN_IF_ERROR(RequireValue(fields, "pooling", "mean"));
  ESP_RETURN_IF_ERROR(RequireValue(fields, "pool_input", "encoder_embed_output"));
  int index = 0;
  ESP_RETURN_IF_ERROR(fields.Int("closed_index", 0, 0, &index));
  ESP_RETURN_IF_ERROR(fields.Int("open_index", 1, 1, &index));
  // ESPnet's v4 has no macaron; which of the two an OWSM base is, AttachGatePack checks.
  std::vector<std::string> named;
  ESP_RETURN_IF_ERROR(fields.Strings("encoder_modules", &named));
  const bool macaron = std::find(named.begin(), named.end(), "feed_forward_macaron") != named.end();
  ESP_RETURN_IF_ERROR(ReadGateModules(fields, "encoder_modules", EncoderModulesOf(family, macaron),
                                      &out->encoder_modules));
  ESP_RETURN_IF_ERROR(
      ReadGateModules(fields, "decoder_modules", DecoderModules(), &out->decoder_modules));
  ESP_RETURN_IF_ERROR(ReadNames(fields, "languages", &out->languages));
  if (out->languages.front() != kOtherLanguage) {
    return fields.Error("languages", "the first row is \"" + MessageText(out->languages.front()) +
                                         "\", expected \"other\", for what is not listed");
  }
  return ReadNames(fields, "tasks", &out->tasks);
}

Status ReadBudgets(const JsonFields& fields, GatePackConfig* out) {
  const nlohmann::json* budgets = fields.Find("budgets");
  if (budgets == nullptr || !budgets->is_object() || budgets->empty() ||
      budgets->size() > kMaxBudgets) {
    return fields.Error("budgets", StrFormat("expected an object of 1 to %zu budgets and the "
                                             "prefixes of their tensors",
                                             kMaxBudgets));
  }
  for (const auto& [name, value] : budgets->items()) {
    GateBudget budget{.name = name, .prefix = {}};
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), budget.value);
    if (error != std::errc() || end != name.data() + name.size() ||
        !(budget.value >= 0 && budget.value <= 1)) {
      return fields.Error("budgets",
                          "\"" + MessageText(name) + "\", expected a number from 0 to 1");
    }
    const auto* prefix = value.get_ptr<const std::string*>();
    if (prefix == nullptr || prefix->empty()) {
      return fields.Error("budgets: " + name, "expected the prefix of its predictor's tensors");
    }
    budget.prefix = *prefix;
    out->budgets.push_back(std::move(budget));
  }
  std::sort(out->budgets.begin(), out->budgets.end(),
            [](const GateBudget& a, const GateBudget& b) { return a.value < b.value; });
  for (size_t i = 1; i < out->budgets.size(); ++i) {
    if (out->budgets[i].value - out->budgets[i - 1].value > kSameBudget) continue;
    return fields.Error("budgets", out->budgets[i].name + " occurs twice");
  }
  std::string name;
  ESP_RETURN_IF_ERROR(fields.String("default_budget", &name));
  const auto found = std::find_if(out->budgets.begin(), out->budgets.end(),
                                  [&name](const GateBudget& each) { return each.name == name; });
  if (found == out->budgets.end()) {
    return fields.Error("default_budget", "\"" + MessageText(name) + "\" is not one of budgets");
  }
  out->default_budget = static_cast<size_t>(found - out->budgets.begin());
  out->gate.tensor_prefix = found->prefix;
  return OkStatus();
}

}  // namespace

Result<GatePackConfig> ReadGatePackConfig(const JsonFields& root) {
  ESP_RETURN_IF_ERROR(RequireValue(root, "format", "espalier-gate-pack"));
  int version = 0;
  ESP_RETURN_IF_ERROR(root.Int("version", 1, 1 << 20, &version));
  if (version != 1) {
    return Unsupported(root.where() + StrFormat(": version: %d; this program reads 1", version));
  }
  GatePackConfig config;
  ESP_RETURN_IF_ERROR(ReadBase(root, &config));
  ESP_ASSIGN_OR_RETURN(const JsonFields gates, root.Object("gates"));
  ESP_RETURN_IF_ERROR(ReadPredictor(gates, config.family, &config.gate));
  ESP_RETURN_IF_ERROR(ReadBudgets(gates, &config));
  ESP_RETURN_IF_ERROR(ReadTrueLength(root, &config.true_length));
  if (root.Has("license")) ESP_RETURN_IF_ERROR(root.String("license", &config.license));
  if (root.Has("recipe")) ESP_RETURN_IF_ERROR(root.String("recipe", &config.recipe));
  return config;
}

Result<const GateBudget*> FindBudget(const GatePackConfig& config, std::optional<double> value) {
  if (!value) return &config.budgets[config.default_budget];
  std::string listed;
  for (const GateBudget& budget : config.budgets) {
    if (std::abs(budget.value - *value) < kSameBudget) return &budget;
    listed += " " + budget.name;
  }
  return InvalidArgument(StrFormat("budget %g: this gate pack has", *value) + listed);
}

bool IsGatePack(const std::string& folder) {
  return PathExists(folder + "/" + kGatePackConfigFile);
}

Result<std::unique_ptr<GatePack>> GatePack::Open(const std::string& folder) {
  if (!PathExists(folder)) return NotFound(folder + ": no such gate pack");
  std::unique_ptr<GatePack> pack(new GatePack());
  pack->folder_ = folder;
  const std::string path = folder + "/" + kGatePackConfigFile;
  ESP_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  nlohmann::json json;
  ESP_RETURN_IF_ERROR(
      ParseJson(text, {.max_depth = 8, .max_values = 20'000}, &json).WithContext(path));
  ESP_ASSIGN_OR_RETURN(const JsonFields root, JsonFields::Of(json, path));
  ESP_ASSIGN_OR_RETURN(pack->config_, ReadGatePackConfig(root));
  ESP_ASSIGN_OR_RETURN(pack->tensors_, SafetensorsFile::Open(folder + "/" + kGatePackTensorFile));
  return pack;
}

}  // namespace espalier
