#include "runtime/model/gate_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"

namespace espalier {
namespace {

constexpr size_t kMaxGateFileBytes = 16 << 20;

nlohmann::ordered_json TableToJson(const GateTable& table) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (int layer = 0; layer < table.layers; ++layer) {
    const auto begin = table.open.begin() + layer * static_cast<int64_t>(table.modules.size());
    layers.push_back(std::vector<int>(begin, begin + static_cast<int64_t>(table.modules.size())));
  }
  return {{"modules", table.modules}, {"layers", layers}};
}

// Fills `table` (all open, of the right shape) from one stack of a gate file.
Status ReadTable(const nlohmann::json& json, const char* stack, GateTable* table) {
  const std::string where = std::string("\"") + stack + "\": ";
  if (!json.is_object() || !json.contains("modules") || !json.contains("layers")) {
    return InvalidArgument(where + "expected an object with \"modules\" and \"layers\"");
  }
  if (json["modules"] != nlohmann::json(table->modules)) {
    return InvalidArgument(where + "the modules are " + json["modules"].dump() +
                           ", this model's are " + nlohmann::json(table->modules).dump());
  }
  const nlohmann::json& layers = json["layers"];
  if (!layers.is_array() || layers.size() != static_cast<size_t>(table->layers)) {
    return InvalidArgument(
        where + StrFormat("%zu layers, this model has %d", layers.size(), table->layers));
  }
  size_t at = 0;
  for (const nlohmann::json& row : layers) {
    if (!row.is_array() || row.size() != table->modules.size()) {
      return InvalidArgument(where + "every layer needs one number per module");
    }
    for (const nlohmann::json& gate : row) {
      if (gate != 0 && gate != 1) return InvalidArgument(where + "a gate is neither 0 nor 1");
      table->open[at++] = gate == 1 ? 1 : 0;
    }
  }
  return OkStatus();
}

Status ReadMask(const nlohmann::json& json, GateMask* mask) {
  if (!json.is_object() || !json.contains("encoder") || !json.contains("decoder")) {
    return InvalidArgument("gates are a JSON object with \"encoder\" and \"decoder\"");
  }
  ESP_RETURN_IF_ERROR(ReadTable(json["encoder"], "encoder", &mask->encoder));
  return ReadTable(json["decoder"], "decoder", &mask->decoder);
}

bool ReadName(const nlohmann::json& json, const char* key, std::string* out) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return false;
  *out = found->get<std::string>();
  return !out->empty();
}

Status ReadContexts(const nlohmann::json& list, const ModelConfig& config, FixedGates* out) {
  if (!list.is_array() || list.empty()) {
    return InvalidArgument("\"contexts\": expected a list of contexts");
  }
  for (const nlohmann::json& each : list) {
    ContextGates gates{.mask = AllOpen(config)};
    if (!each.is_object() || !ReadName(each, "language", &gates.language) ||
        !ReadName(each, "task", &gates.task)) {
      return InvalidArgument("every context needs \"language\" and \"task\"");
    }
    const std::string shown = MessageText(gates.language) + ", " + MessageText(gates.task);
    ESP_RETURN_IF_ERROR(ReadMask(each, &gates.mask).WithContext(shown));
    const size_t count = out->contexts.size();
    out->Put(std::move(gates));
    if (out->contexts.size() == count)
      return InvalidArgument(shown + ": this context occurs twice");
  }
  return OkStatus();
}

Result<nlohmann::json> ReadJson(const std::string& path) {
  const Result<std::string> text = ReadFile(path, kMaxGateFileBytes);
  if (!text.ok()) return InvalidArgument("gates: " + text.status().message());
  nlohmann::json json;
  const Status parsed = ParseJson(*text, {.max_depth = 8}, &json);
  if (!parsed.ok()) return InvalidArgument(path + ": " + parsed.message());
  return json;
}

nlohmann::ordered_json MaskToJson(const GateMask& mask) {
  return {{"encoder", TableToJson(mask.encoder)}, {"decoder", TableToJson(mask.decoder)}};
}

}  // namespace

const GateMask* FixedGates::Find(std::string_view language, std::string_view task) const {
  if (everywhere) return &*everywhere;
  for (const std::string_view wanted : {language, std::string_view(kOtherLanguage)}) {
    for (const ContextGates& each : contexts) {
      if (each.language == wanted && each.task == task) return &each.mask;
    }
  }
  return nullptr;
}

void FixedGates::Put(ContextGates gates) {
  for (ContextGates& each : contexts) {
    if (each.language == gates.language && each.task == gates.task) {
      each.mask = std::move(gates.mask);
      return;
    }
  }
  contexts.push_back(std::move(gates));
}

std::string GateMaskToJson(const GateMask& mask) { return MaskToJson(mask).dump(1) + "\n"; }

std::string ContextGatesToJson(std::span<const ContextGates> contexts) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ContextGates& each : contexts) {
    nlohmann::ordered_json one = {{"language", each.language}, {"task", each.task}};
    one.update(MaskToJson(each.mask));
    list.push_back(std::move(one));
  }
  const nlohmann::ordered_json json = {{"contexts", std::move(list)}};
  return json.dump(1) + "\n";
}

Result<FixedGates> LoadGateFile(const std::string& path, const ModelConfig& config) {
  ESP_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJson(path));
  FixedGates gates;
  if (json.is_object() && json.contains("contexts")) {
    ESP_RETURN_IF_ERROR(ReadContexts(json["contexts"], config, &gates).WithContext(path));
    return gates;
  }
  gates.everywhere = AllOpen(config);
  ESP_RETURN_IF_ERROR(ReadMask(json, &*gates.everywhere).WithContext(path));
  return gates;
}

Result<GateMask> LoadGateMask(const std::string& path, const ModelConfig& config) {
  ESP_ASSIGN_OR_RETURN(FixedGates gates, LoadGateFile(path, config));
  if (gates.everywhere) return std::move(*gates.everywhere);
  return InvalidArgument(path + ": expected one table of gates, found contexts");
}

}  // namespace espalier
