// What closed gates are worth for an utterance: work and weights counted from the plans, time
// predicted from a cost table.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "runtime/base/status.h"
#include "runtime/model/cost_table.h"
#include "runtime/session/gate_look.h"

namespace espalier::cli {

struct GateWorth {
  double input_s = 0;  // of the window, padding included
  GatedWork open, gated;
  std::optional<PredictedTime> open_time, gated_time;  // with a cost table only
};

// `costs_path`: a file of `espalier profile`, or empty. Errors: those of WorkOf and LoadCostTable.
Result<GateWorth> WorthOfGates(const Engine& engine, const GateMask& mask, int64_t input_samples,
                               const std::string& costs_path);

std::string GateWorthText(const GateWorth& worth);
nlohmann::ordered_json GateWorthJson(const GateWorth& worth);

}  // namespace espalier::cli
