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

Result<GateWorth> WorthOfGates(const Gates& gates, int64_t sample_count,
                               const std::string& costs_path) {
  GateWorth worth;
  ESP_ASSIGN_OR_RETURN(worth.work, gates.Worth(sample_count));
  if (!costs_path.empty()) {
    ESP_ASSIGN_OR_RETURN(worth.times, gates.Times(sample_count, costs_path));
  }
  return worth;
}

std::string GateWorthText(const GateWorth& worth) {
  const esp_gate_worth& work = worth.work;
  std::string text = StrFormat("an input of %.2f s, padding included:\n", work.input_s);
  text += WorkLine("window, multiply-adds", work.all_open_window_multiply_adds,
                   work.window_multiply_adds, "M", 1e-6);
  text += WorkLine("decoder step, likewise", work.all_open_step_multiply_adds,
                   work.step_multiply_adds, "M", 1e-6);
  text += WorkLine("weights touched", work.all_open_weight_bytes, work.weight_bytes, "MB", 1e-6);
  if (!worth.times) return text;
  const esp_gate_times& times = *worth.times;
  text += TimeLine("window, predicted", times.all_open_window_s, times.window_s);
  return text + TimeLine("decoder step, predicted", times.all_open_step_s, times.step_s);
}

nlohmann::ordered_json GateWorthJson(const GateWorth& worth) {
  const esp_gate_worth& work = worth.work;
  nlohmann::ordered_json open = {{"window_multiply_adds", work.all_open_window_multiply_adds},
                                 {"step_multiply_adds", work.all_open_step_multiply_adds},
                                 {"weight_bytes", work.all_open_weight_bytes}};
  nlohmann::ordered_json gated = {{"window_multiply_adds", work.window_multiply_adds},
                                  {"step_multiply_adds", work.step_multiply_adds},
                                  {"weight_bytes", work.weight_bytes}};
  if (worth.times) {
    open["predicted_window_s"] = worth.times->all_open_window_s;
    open["predicted_step_s"] = worth.times->all_open_step_s;
    gated["predicted_window_s"] = worth.times->window_s;
    gated["predicted_step_s"] = worth.times->step_s;
  }
  return {{"input_s", work.input_s}, {"open", open}, {"gated", gated}};
}

}  // namespace espalier::cli
