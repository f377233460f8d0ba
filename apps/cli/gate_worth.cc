#include "apps/cli/gate_worth.h"

#include <nlohmann/json.hpp>

#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

double Saved(double open, double gated) { return open > 0 ? 1 - gated / open : 0; }

std::string WorkLine(const char* name, int64_t open, int64_t gated, const char* unit,
                     double scale) {
  return StrFormat("%-24s %10.1f %s of %.1f, %.1f %% saved\n", name,
                   static_cast<double>(gated) * scale, unit, static_cast<double>(open) * scale,
                   100 * Saved(static_cast<double>(open), static_cast<double>(gated)));
}

std::string TimeLine(const char* name, double open_s, double gated_s) {
  return StrFormat("%-24s %10.2f ms of %.2f, %.1f %% saved\n", name, 1e3 * gated_s, 1e3 * open_s,
                   100 * Saved(open_s, gated_s));
}

}  // namespace

Result<GateWorth> WorthOfGates(const Engine& engine, const GateMask& mask, int64_t input_samples,
                               const std::string& costs_path) {
  const GateMask open = AllOpen(engine.config());
  GateWorth worth{
      .input_s = static_cast<double>(input_samples) / engine.config().frontend.sample_rate,
      .open = {},
      .gated = {},
      .open_time = {},
      .gated_time = {}};
  ESP_ASSIGN_OR_RETURN(worth.open, WorkOf(engine, open, input_samples));
  ESP_ASSIGN_OR_RETURN(worth.gated, WorkOf(engine, mask, input_samples));
  if (costs_path.empty()) return worth;
  ESP_ASSIGN_OR_RETURN(const CostTable table, LoadCostTable(costs_path, engine.config()));
  worth.open_time = table.Predict(open, worth.input_s);
  worth.gated_time = table.Predict(mask, worth.input_s);
  return worth;
}

std::string GateWorthText(const GateWorth& worth) {
  std::string text = StrFormat("an input of %.2f s, padding included:\n", worth.input_s);
  text += WorkLine("window, multiply-adds", worth.open.window_multiply_adds,
                   worth.gated.window_multiply_adds, "M", 1e-6);
  text += WorkLine("decoder step, likewise", worth.open.step_multiply_adds,
                   worth.gated.step_multiply_adds, "M", 1e-6);
  text +=
      WorkLine("weights touched", worth.open.weight_bytes, worth.gated.weight_bytes, "MB", 1e-6);
  if (!worth.open_time) return text;
  text += TimeLine("window, predicted", worth.open_time->encode_s, worth.gated_time->encode_s);
  return text +
         TimeLine("decoder step, predicted", worth.open_time->step_s, worth.gated_time->step_s);
}

nlohmann::ordered_json GateWorthJson(const GateWorth& worth) {
  const auto work = [](const GatedWork& of, const std::optional<PredictedTime>& time) {
    nlohmann::ordered_json json = {{"window_multiply_adds", of.window_multiply_adds},
                                   {"step_multiply_adds", of.step_multiply_adds},
                                   {"weight_bytes", of.weight_bytes}};
    if (time) {
      json["predicted_window_s"] = time->encode_s;
      json["predicted_step_s"] = time->step_s;
    }
    return json;
  };
  return {{"input_s", worth.input_s},
          {"open", work(worth.open, worth.open_time)},
          {"gated", work(worth.gated, worth.gated_time)}};
}

}  // namespace espalier::cli
