#include "runtime/model/cost_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

constexpr char kFormat[] = "espalier-cost-table";
constexpr size_t kMaxFileBytes = 16 << 20;
constexpr double kMostSeconds = 1e6;

ordered_json StackToJson(const StackCost& stack) {
  ordered_json json = {{"rest_s", stack.rest_s}};
  for (size_t m = 0; m < stack.modules.size(); ++m) {
    std::vector<double> layers;
    for (int layer = 0; layer < stack.layers; ++layer) {
      layers.push_back(stack.seconds[static_cast<size_t>(layer) * stack.modules.size() + m]);
    }
    json["modules"][stack.modules[m]] = layers;
  }
  return json;
}

Status ReadStack(const JsonFields& fields, const char* key, const GateTable& shape,
                 StackCost* out) {
  ESP_ASSIGN_OR_RETURN(const JsonFields stack, fields.Object(key));
  ESP_RETURN_IF_ERROR(stack.Number("rest_s", 0, kMostSeconds, &out->rest_s));
  ESP_ASSIGN_OR_RETURN(const JsonFields modules, stack.Object("modules"));
  out->modules = shape.modules;
  out->layers = shape.layers;
  out->seconds.assign(shape.open.size(), 0.0);
  for (size_t m = 0; m < shape.modules.size(); ++m) {
    const std::string& name = shape.modules[m];
    const nlohmann::json* layers = modules.Find(name.c_str());
    if (layers == nullptr || !layers->is_array() ||
        layers->size() != static_cast<size_t>(shape.layers)) {
      return modules.Error(name, StrFormat("expected %d numbers, one a layer", shape.layers));
    }
    for (size_t layer = 0; layer < layers->size(); ++layer) {
      const nlohmann::json& value = (*layers)[layer];
      const double seconds = value.is_number() ? value.get<double>() : -1;
      if (!(seconds >= 0 && seconds <= kMostSeconds)) {
        return modules.Error(name, "expected times in seconds");
      }
      out->seconds[layer * shape.modules.size() + m] = seconds;
    }
  }
  return OkStatus();
}

Status ReadWindow(const JsonFields& fields, const GateMask& shape, WindowCost* out) {
  ESP_RETURN_IF_ERROR(fields.Number("input_s", 1e-3, kMostSeconds, &out->input_s));
  ESP_RETURN_IF_ERROR(fields.Number("features_s", 0, kMostSeconds, &out->features_s));
  ESP_RETURN_IF_ERROR(fields.Number("stem_s", 0, kMostSeconds, &out->stem_s));
  ESP_RETURN_IF_ERROR(fields.Number("gates_s", 0, kMostSeconds, &out->gates_s));
  ESP_RETURN_IF_ERROR(ReadStack(fields, "encoder", shape.encoder, &out->encoder));
  ESP_RETURN_IF_ERROR(ReadStack(fields, "source", shape.decoder, &out->source));
  return ReadStack(fields, "decoder_step", shape.decoder, &out->decoder_step);
}

Result<CostTable> ReadTable(const JsonFields& root, const GateMask& shape) {
  CostTable table;
  std::string format;
  ESP_RETURN_IF_ERROR(root.String("format", &format));
  if (format != kFormat) return root.Error("format", std::string("expected ") + kFormat);
  ESP_RETURN_IF_ERROR(root.String("model", &table.model));
  ESP_RETURN_IF_ERROR(root.String("device", &table.device));
  ESP_ASSIGN_OR_RETURN(const JsonFields reference, root.Object("reference"));
  ESP_RETURN_IF_ERROR(reference.Number("input_s", 0, kMostSeconds, &table.reference_s));
  ESP_RETURN_IF_ERROR(reference.Int("tokens", 0, 1'000'000, &table.reference_tokens));
  const nlohmann::json* windows = root.Find("windows");
  if (windows == nullptr || !windows->is_array() || windows->empty()) {
    return root.Error("windows", "expected a list of measured windows");
  }
  for (const nlohmann::json& each : *windows) {
    ESP_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Of(each, root.where() + ": windows"));
    ESP_RETURN_IF_ERROR(ReadWindow(fields, shape, &table.windows.emplace_back()));
  }
  std::sort(table.windows.begin(), table.windows.end(),
            [](const WindowCost& a, const WindowCost& b) { return a.input_s < b.input_s; });
  return table;
}

PredictedTime At(const WindowCost& window, const GateMask& mask) {
  return {.encode_s = window.features_s + window.stem_s + window.gates_s +
                      window.encoder.With(mask.encoder) + window.source.With(mask.decoder),
          .step_s = window.decoder_step.With(mask.decoder)};
}

// Seconds of the reference utterance by module: what no gate closes, and each module's layers.
ordered_json Summary(const CostTable& table) {
  GateMask open;
  const WindowCost& first = table.windows.front();
  open.encoder = {first.encoder.modules, first.encoder.layers,
                  std::vector<uint8_t>(first.encoder.seconds.size(), 1)};
  open.decoder = {first.source.modules, first.source.layers,
                  std::vector<uint8_t>(first.source.seconds.size(), 1)};
  const auto total = [&](const GateMask& mask) {
    const PredictedTime time = table.Predict(mask, table.reference_s);
    return time.encode_s + table.reference_tokens * time.step_s;
  };
  const double whole = total(open);
  ordered_json json;
  double rest = whole;
  for (const bool encoder : {true, false}) {
    const GateTable& stack = encoder ? open.encoder : open.decoder;
    for (size_t m = 0; m < stack.modules.size(); ++m) {
      std::vector<double> layers;
      for (int layer = 0; layer < stack.layers; ++layer) {
        GateMask closed = open;
        (encoder ? closed.encoder : closed.decoder)
            .open[static_cast<size_t>(layer) * stack.modules.size() + m] = 0;
        layers.push_back(whole - total(closed));
        rest -= layers.back();
      }
      json[encoder ? "encoder" : "decoder"][stack.modules[m]] = layers;
    }
  }
  json["fixed"] = {{"all", rest}};
  return json;
}

}  // namespace

double StackCost::With(const GateTable& gates) const {
  double sum = rest_s;
  for (size_t i = 0; i < seconds.size() && i < gates.open.size(); ++i) {
    if (gates.open[i] != 0) sum += seconds[i];
  }
  return sum;
}

PredictedTime CostTable::Predict(const GateMask& mask, double input_s) const {
  const auto above =
      std::find_if(windows.begin(), windows.end(),
                   [input_s](const WindowCost& each) { return each.input_s >= input_s; });
  if (above == windows.begin() || above == windows.end()) {
    const WindowCost& nearest = above == windows.end() ? windows.back() : windows.front();
    PredictedTime time = At(nearest, mask);
    time.encode_s *= input_s / nearest.input_s;
    return time;
  }
  const WindowCost& below = *(above - 1);
  const double share = (input_s - below.input_s) / (above->input_s - below.input_s);
  const PredictedTime a = At(below, mask), b = At(*above, mask);
  return {.encode_s = a.encode_s + share * (b.encode_s - a.encode_s),
          .step_s = a.step_s + share * (b.step_s - a.step_s)};
}

std::string CostTableToJson(const CostTable& table) {
  ordered_json json = {
      {"format", kFormat},
      {"model", table.model},
      {"device", table.device},
      {"unit", "seconds"},
      {"reference", {{"input_s", table.reference_s}, {"tokens", table.reference_tokens}}}};
  json.update(Summary(table));
  for (const WindowCost& window : table.windows) {
    json["windows"].push_back({{"input_s", window.input_s},
                               {"features_s", window.features_s},
                               {"stem_s", window.stem_s},
                               {"gates_s", window.gates_s},
                               {"encoder", StackToJson(window.encoder)},
                               {"source", StackToJson(window.source)},
                               {"decoder_step", StackToJson(window.decoder_step)}});
  }
  return json.dump(1) + "\n";
}

Result<CostTable> LoadCostTable(const std::string& path, const ModelConfig& config) {
  const auto invalid = [](const Status& status) { return InvalidArgument(status.message()); };
  const Result<std::string> text = ReadFile(path, kMaxFileBytes);
  if (!text.ok()) return invalid(text.status().WithContext("costs"));
  nlohmann::json json;
  const Status parsed = ParseJson(*text, {.max_depth = 8}, &json);
  if (!parsed.ok()) return invalid(parsed.WithContext(path));
  const Result<JsonFields> root = JsonFields::Of(json, path);
  if (!root.ok()) return invalid(root.status());
  Result<CostTable> table = ReadTable(*root, AllOpen(config));
  if (!table.ok()) return invalid(table.status());
  return table;
}

}  // namespace espalier
