// What a model would cost on a GPU at its limits, on paper: for each op of its plans the longer of
// computing and of moving its bytes (`espalier profile --predict`). Nothing is run.
//
// Goals: a figure that a measured run can be held against, from the same plans that run. Non-goals:
// launch costs, caches, how much of its peak a device reaches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/model/gates.h"
#include "runtime/session/engine.h"

namespace espalier {

// A device's figures as its maker prints them (dense, not "with sparsity").
struct Hardware {
  std::string name;
  double tensor_flops = 0;  // per second, f16 factors with f32 sums
  double f32_flops = 0;     // without tensor cores
  double bytes = 0;         // of memory, per second
};

// "a40", "a100", "l4", "h100". Null when `name` is none of them.
const Hardware* FindHardware(const std::string& name);
std::vector<std::string> HardwareNames();

struct StageLimit {
  std::string stage;  // the plan's name
  int64_t ops = 0;
  double flops = 0;
  double weight_bytes = 0;
  double bytes = 0;  // weights and activations
  double seconds = 0;
};

struct Roofline {
  double input_s = 0;
  int beam_size = 0;
  int cached_positions = 0;                 // tokens behind the step
  std::vector<StageLimit> window = {};      // once per window
  StageLimit step = {};                     // one decoder step of all hypotheses
  std::optional<StageLimit> ctc_step = {};  // the same with CTC's scores, of a model that has CTC

  double WindowSeconds() const;
};

struct RooflineOptions {
  int beam_size = 5;
  int cached_positions = 32;
};

// A full window of the model with these gates. Errors: those of the plans.
Result<Roofline> PredictLimits(const Engine& engine, const GateMask& gates,
                               const Hardware& hardware, const RooflineOptions& options);

// Closes `share` of the modules of encoder and decoder, evenly spread over layers and kinds.
GateMask SpreadClosed(const ModelConfig& config, double share);

}  // namespace espalier
