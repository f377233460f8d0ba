// Which modules run for a context, as documents and figures.
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/capi/abort_watch.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"
#include "runtime/capi/model.h"
#include "runtime/model/cost_table.h"
#include "runtime/model/gate_map.h"
#include "runtime/session/context.h"
#include "runtime/session/gate_look.h"
#include "runtime/session/window.h"

struct esp_gates {
  std::shared_ptr<espalier::Engine> engine;
  std::vector<espalier::ContextGates> contexts;  // at least one
  bool all_contexts = false;
  espalier::Status named;  // not OK: gates that are forced, of a context that the model has not
  std::string document;    // of the last esp_gates_write
};

using namespace espalier;        // NOLINT(google-build-using-namespace): the C interface's names
using namespace espalier::capi;  // NOLINT(google-build-using-namespace): are all prefixed

namespace {

Status LookAtOne(std::span<const float> samples, const std::string& language,
                 const std::string& task, const std::stop_token& stop, esp_gates* gates) {
  ContextGates one{.language = language, .task = task};
  ESP_ASSIGN_OR_RETURN(one.mask, PredictGates(gates->engine, samples, language, task, stop));
  const Result<Context> context = ResolveContext(*gates->engine, language, task);
  if (context.ok()) {
    one.language = context->language;
    one.task = context->gate_task_name;
  } else {
    gates->named = context.status();
  }
  gates->contexts.push_back(std::move(one));
  return OkStatus();
}

Status Look(std::span<const float> samples, const esp_gates_options& own, esp_gates* gates) {
  std::stop_source stop;
  const AbortWatch watch(own.abort, own.abort_user, stop);
  gates->all_contexts = own.all_contexts != 0;
  if (!gates->all_contexts) {
    return LookAtOne(samples, own.language != nullptr ? own.language : "en",
                     own.task != nullptr ? own.task : "transcribe", stop.get_token(), gates);
  }
  ESP_ASSIGN_OR_RETURN(gates->contexts,
                       PredictAllContexts(gates->engine, samples, stop.get_token()));
  return OkStatus();
}

Result<const ContextGates*> ContextAt(const esp_gates* gates, int32_t index) {
  if (gates == nullptr) return InvalidArgument("the gates are null");
  if (index < 0 || static_cast<size_t>(index) >= gates->contexts.size()) {
    return InvalidArgument(StrFormat("context %d of %zu", index, gates->contexts.size()));
  }
  return &gates->contexts[static_cast<size_t>(index)];
}

// Null for a number that is no stack.
const GateTable* TableOf(const GateMask& mask, esp_stack stack) {
  switch (stack) {
    case ESP_STACK_ENCODER:
      return &mask.encoder;
    case ESP_STACK_DECODER:
      return &mask.decoder;
  }
  return nullptr;
}

Result<std::string> Document(const esp_gates& gates, esp_gates_format format,
                             const std::string& title) {
  const GateMask& mask = gates.contexts.front().mask;
  switch (format) {
    case ESP_GATES_TEXT:
      return gates.all_contexts ? GateMapToText(gates.contexts) : GateMaskToText(mask);
    case ESP_GATES_JSON:
      return gates.all_contexts ? GateMapToJson(gates.contexts) : GateMaskToJson(mask);
    case ESP_GATES_SVG:
      return gates.all_contexts ? GateMapToSvg(gates.contexts, title) : GateMaskToSvg(mask, title);
  }
  return InvalidArgument(StrFormat("format %d of gates", static_cast<int>(format)));
}

Status Save(const esp_gates& gates, const std::string& path) {
  ESP_RETURN_IF_ERROR(gates.named);
  FixedGates file;
  if (PathExists(path)) {
    ESP_ASSIGN_OR_RETURN(file, LoadGateFile(path, gates.engine->config()));
    if (file.everywhere) {
      return InvalidArgument(path + ": the file holds one table for all contexts");
    }
  }
  for (const ContextGates& each : gates.contexts) file.Put(each);
  return WriteFileAtomically(path, ContextGatesToJson(file.contexts));
}

}  // namespace

extern "C" {

void esp_gates_options_init(esp_gates_options* options) { Initialize(options); }
void esp_gate_context_init(esp_gate_context* context) { Initialize(context); }
void esp_gate_table_init(esp_gate_table* table) { Initialize(table); }
void esp_gate_worth_init(esp_gate_worth* worth) { Initialize(worth); }
void esp_gate_times_init(esp_gate_times* times) { Initialize(times); }

esp_status esp_gates_open(esp_model* model, const float* samples, size_t count,
                          const esp_gates_options* options, esp_gates** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (model == nullptr || out == nullptr || (samples == nullptr && count > 0)) {
      return InvalidArgument("model, samples or gates is null");
    }
    esp_gates_options own;
    esp_gates_options_init(&own);
    ESP_RETURN_IF_ERROR(ReadStruct(options, &own));
    auto gates = std::make_unique<esp_gates>();
    gates->engine = model->engine;
    ESP_RETURN_IF_ERROR(Look({samples, count}, own, gates.get()));
    *out = gates.release();
    return OkStatus();
  });
}

void esp_gates_close(esp_gates* gates) { delete gates; }

int32_t esp_gates_context_count(const esp_gates* gates) {
  return gates != nullptr ? static_cast<int32_t>(gates->contexts.size()) : 0;
}

esp_status esp_gates_context(const esp_gates* gates, int32_t context, esp_gate_context* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const ContextGates* const at, ContextAt(gates, context));
    return WriteStruct(esp_gate_context{.struct_size = 0,
                                        .language = at->language.c_str(),
                                        .task = at->task.c_str(),
                                        .gate_count = at->mask.gate_count(),
                                        .closed_count = at->mask.closed_count()},
                       out);
  });
}

esp_status esp_gates_table(const esp_gates* gates, int32_t context, esp_stack stack,
                           esp_gate_table* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const ContextGates* const at, ContextAt(gates, context));
    const GateTable* table = TableOf(at->mask, stack);
    if (table == nullptr) return InvalidArgument("no such stack");
    return WriteStruct(esp_gate_table{.struct_size = 0,
                                      .layer_count = table->layers,
                                      .module_count = static_cast<int32_t>(table->modules.size()),
                                      .open = table->open.data()},
                       out);
  });
}

const char* esp_gates_module(const esp_gates* gates, esp_stack stack, int32_t module) {
  if (gates == nullptr || module < 0) return nullptr;
  const GateTable* table = TableOf(gates->contexts.front().mask, stack);
  if (table == nullptr || static_cast<size_t>(module) >= table->modules.size()) return nullptr;
  return table->modules[static_cast<size_t>(module)].c_str();
}

esp_status esp_gates_write(esp_gates* gates, esp_gates_format format, const char* title,
                           const char** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (gates == nullptr || out == nullptr) return InvalidArgument("gates or document is null");
    ESP_ASSIGN_OR_RETURN(gates->document, Document(*gates, format, title != nullptr ? title : ""));
    *out = gates->document.c_str();
    return OkStatus();
  });
}

esp_status esp_gates_save(const esp_gates* gates, const char* path) {
  return Guard([&]() -> Status {
    if (gates == nullptr || path == nullptr) return InvalidArgument("gates or path is null");
    return Save(*gates, path);
  });
}

esp_status esp_gates_worth(const esp_gates* gates, int32_t context, int64_t sample_count,
                           esp_gate_worth* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const ContextGates* const at, ContextAt(gates, context));
    const ModelConfig& config = gates->engine->config();
    const int64_t input = FedSamples(config, sample_count);
    ESP_ASSIGN_OR_RETURN(const GatedWork open, WorkOf(*gates->engine, AllOpen(config), input));
    ESP_ASSIGN_OR_RETURN(const GatedWork gated, WorkOf(*gates->engine, at->mask, input));
    return WriteStruct(
        esp_gate_worth{.struct_size = 0,
                       .input_s = static_cast<double>(input) / config.frontend.sample_rate,
                       .window_multiply_adds = gated.window_multiply_adds,
                       .step_multiply_adds = gated.step_multiply_adds,
                       .weight_bytes = gated.weight_bytes,
                       .all_open_window_multiply_adds = open.window_multiply_adds,
                       .all_open_step_multiply_adds = open.step_multiply_adds,
                       .all_open_weight_bytes = open.weight_bytes},
        out);
  });
}

esp_status esp_gates_times(const esp_gates* gates, int32_t context, int64_t sample_count,
                           const char* cost_table, esp_gate_times* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const ContextGates* const at, ContextAt(gates, context));
    if (cost_table == nullptr) return InvalidArgument("the cost table is null");
    const ModelConfig& config = gates->engine->config();
    ESP_ASSIGN_OR_RETURN(const CostTable table, LoadCostTable(cost_table, config));
    const double input_s =
        static_cast<double>(FedSamples(config, sample_count)) / config.frontend.sample_rate;
    const PredictedTime open = table.Predict(AllOpen(config), input_s);
    const PredictedTime gated = table.Predict(at->mask, input_s);
    return WriteStruct(esp_gate_times{.struct_size = 0,
                                      .window_s = gated.encode_s,
                                      .step_s = gated.step_s,
                                      .all_open_window_s = open.encode_s,
                                      .all_open_step_s = open.step_s},
                       out);
  });
}

}  // extern "C"
