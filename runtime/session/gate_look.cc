#include "runtime/session/gate_look.h"

#include <array>

#include "runtime/graph/cost.h"
#include "runtime/session/window.h"

namespace espalier {
namespace {

constexpr int kTokensBehind = 16;

// The row counts of a stage: the caller's lengths in their order.
Result<Cost> StageCost(const Engine& engine, Stage stage, const StageOptions& options,
                       std::span<const int32_t> given) {
  ESP_ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan,
                       engine.plans().Build(stage, options));
  std::vector<int32_t> lengths(plan->lengths.size());
  ESP_RETURN_IF_ERROR(plan->ResolveLengths(given, lengths));
  return PlanCost(*plan, lengths, kTokensBehind);
}

}  // namespace

Result<GateMask> GatesOf(const Engine& engine, const Context& context, Inference& inference) {
  const GateMask* fixed = engine.FindFixedGates(context.language, context.gate_task_name);
  if (fixed != nullptr) return *fixed;
  return inference.LookAtGates(context.gate_language, context.gate_task);
}

Result<GateMask> PredictGates(std::shared_ptr<Engine> engine, std::span<const float> samples,
                              const std::string& language, const std::string& task,
                              const std::stop_token& stop) {
  if (engine->forced_gates()) return *engine->forced_gates();
  ESP_ASSIGN_OR_RETURN(const Context context, ResolveContext(*engine, language, task));
  Inference inference(engine, InferenceOptions{});
  inference.set_stop(stop);
  ESP_RETURN_IF_ERROR(inference.Embed(WindowFeatures(*engine, samples)));
  return GatesOf(*engine, context, inference);
}

Result<std::vector<ContextGates>> PredictAllContexts(std::shared_ptr<Engine> engine,
                                                     std::span<const float> samples,
                                                     const std::stop_token& stop) {
  if (!engine->config().gate) {
    return Unsupported(engine->config().name +
                       ": no gate predictor; name a gate pack with --gates");
  }
  const GateConfig& gate = *engine->config().gate;
  Inference inference(engine, InferenceOptions{});
  inference.set_stop(stop);
  ESP_RETURN_IF_ERROR(inference.Embed(WindowFeatures(*engine, samples)));
  std::vector<ContextGates> contexts;
  for (size_t task = 0; task < gate.tasks.size(); ++task) {
    for (size_t language = 0; language < gate.languages.size(); ++language) {
      ESP_ASSIGN_OR_RETURN(
          GateMask mask, inference.LookAtGates(static_cast<int>(language), static_cast<int>(task)));
      contexts.push_back({.language = ShownLanguage(gate.languages[language]),
                          .task = ShownTask(gate.tasks[task]),
                          .mask = std::move(mask)});
    }
  }
  return contexts;
}

Result<GatedWork> WorkOf(const Engine& engine, const GateMask& gates, int64_t input_samples) {
  const StageOptions options{.gates = gates, .lane_count = 1};
  const FrontendConfig& frontend = engine.config().frontend;
  const bool owsm = engine.config().family == ModelFamily::kOwsm;
  const auto frames = static_cast<int32_t>(input_samples / frontend.hop_length + (owsm ? 1 : 0));
  ESP_ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> stem,
                       engine.plans().Build(Stage::kStem, options));
  std::vector<int32_t> lengths(stem->lengths.size());
  ESP_RETURN_IF_ERROR(stem->ResolveLengths(std::array{frames}, lengths));
  const int32_t steps = lengths.back();
  ESP_ASSIGN_OR_RETURN(Cost window, StageCost(engine, Stage::kStem, options, std::array{frames}));
  for (const Stage stage : {Stage::kEncoder, Stage::kSource}) {
    ESP_ASSIGN_OR_RETURN(const Cost cost, StageCost(engine, stage, options, std::array{steps}));
    window += cost;
  }
  ESP_ASSIGN_OR_RETURN(const Cost step,
                       StageCost(engine, Stage::kDecoder, options, std::array{1, steps, 1}));
  return GatedWork{.window_multiply_adds = window.multiply_adds,
                   .step_multiply_adds = step.multiply_adds,
                   .weight_bytes = window.weight_bytes + step.weight_bytes};
}

}  // namespace espalier
