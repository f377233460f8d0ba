// What a model folder holds, in words and numbers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runtime/base/status.h"
#include "runtime/checkpoint/gate_pack.h"
#include "runtime/session/engine.h"

namespace espalier::cli {

// Storage types of the weights with the share of each, most first: "f16", "f32 and i8". Errors:
// those of TensorStore::OpenFolder.
Result<std::string> PrecisionOf(const std::string& folder);

// Fields in the order they are shown. `precision` as PrecisionOf has it.
nlohmann::ordered_json ModelSummaryJson(const Engine& engine, const std::string& precision);

// A gate pack by itself: base, budgets, languages, tasks, changed weights, input, licence.
nlohmann::ordered_json PackSummaryJson(const GatePack& pack);

// Either as lines.
std::string ModelSummaryText(const nlohmann::ordered_json& summary);

}  // namespace espalier::cli
