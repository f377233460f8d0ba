// gate_pack.json: what is accepted has budgets, rows and modules as the rest of the runtime
// assumes.
#include <nlohmann/json.hpp>

#include "runtime/checkpoint/gate_pack.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using espalier::GatePackConfig;
using espalier::Result;

Result<GatePackConfig> Read(std::string_view text) {
  nlohmann::json json;
  ESP_RETURN_IF_ERROR(espalier::ParseJson(text, {.max_depth = 8}, &json));
  ESP_ASSIGN_OR_RETURN(const espalier::JsonFields root, espalier::JsonFields::Of(json, "fuzz"));
  return espalier::ReadGatePackConfig(root);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<GatePackConfig> config = Read(AsText(data, size));
  if (!config.ok()) {
    FUZZ_REQUIRE(!config.status().message().empty());
    FUZZ_REQUIRE(config.status().message().find('\n') == std::string::npos);
    return 0;
  }
  fuzz_input_accepted = true;
  FUZZ_REQUIRE(config->fingerprint.size() == 64);
  FUZZ_REQUIRE(config->gate.context_size > 0 && config->gate.hidden_size > 0);
  FUZZ_REQUIRE(config->gate.languages.front() == espalier::kOtherLanguage);
  FUZZ_REQUIRE(!config->gate.tasks.empty());
  FUZZ_REQUIRE(config->default_budget < config->budgets.size());
  for (const espalier::GateBudget& budget : config->budgets) {
    FUZZ_REQUIRE(budget.value >= 0 && budget.value <= 1 && !budget.prefix.empty());
    const auto found = FindBudget(*config, budget.value);
    FUZZ_REQUIRE(found.ok() && (*found)->prefix == budget.prefix);
  }
  FUZZ_REQUIRE((*FindBudget(*config, {}))->prefix == config->gate.tensor_prefix);
  if (config->true_length) {
    FUZZ_REQUIRE(config->true_length->tail_s >= 0 && config->true_length->min_s > 0);
  }
  return 0;
}
