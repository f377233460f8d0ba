// What stages.cc dispatches to; one file per family and stage group.
#pragma once

#include "runtime/model/plan_builder.h"
#include "runtime/model/stages.h"

namespace espalier {

void BuildOwsmStem(PlanBuilder& b, const ModelConfig& config);
void BuildOwsmEncoder(PlanBuilder& b, const ModelConfig& config, const GateTable& gates);
void BuildWhisperStem(PlanBuilder& b, const ModelConfig& config);
void BuildWhisperEncoder(PlanBuilder& b, const ModelConfig& config, const GateTable& gates);

// The decoder is the same pre-norm Transformer in both families; only names differ.
void BuildSource(PlanBuilder& b, const ModelConfig& config, const GateTable& gates);
void BuildDecoder(PlanBuilder& b, const ModelConfig& config, const StageOptions& options);

void BuildGates(PlanBuilder& b, const ModelConfig& config);
void BuildCtc(PlanBuilder& b, const ModelConfig& config);

}  // namespace espalier
