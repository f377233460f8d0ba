// What closed gates are worth for an utterance: work and weights counted from the plans, time
// predicted from a cost table.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "apps/cli/client/gates.h"
#include "runtime/base/status.h"

namespace espalier::cli {

struct GateWorth {
  esp_gate_worth work = {};
  std::optional<esp_gate_times> times = {};  // with a cost table only
};

// sample_count: of the audio. `costs_path`: a file of `espalier profile`, or empty. Errors: those
// of Gates::Worth and Gates::Times.
Result<GateWorth> WorthOfGates(const Gates& gates, int64_t sample_count,
                               const std::string& costs_path);

std::string GateWorthText(const GateWorth& worth);
nlohmann::ordered_json GateWorthJson(const GateWorth& worth);

}  // namespace espalier::cli
