// What a user says about gates in one word: --gates, EngineOptions::gates.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/status.h"

namespace espalier {

struct GateRequest {
  std::string pack;              // folder of a gate pack; empty: none
  std::optional<double> budget;  // of the pack; absent: its default
  bool all_open = false;
  std::string file;  // a gate file; empty: none
};

// `text`: words with commas between them.
//   auto      the gate pack in the model's folder, else the model's own predictor, else all open
//   all       every gate open; without a pack beside it the model is exactly the dense one
//   pack      the gate pack in the model's folder (MODEL/gate_pack)
//   budget=X  that budget of the pack named beside it or in the model's folder
//   PATH      a gate pack's folder, or a gate file
// For instance "packs/whisper-base,budget=0.5"; "packs/whisper-base,all" has the pack's weights and
// input rule with every gate open. A path with a comma in it may stand alone.
// Errors: kInvalidArgument (a path that is neither, words that exclude each other, no pack).
Result<GateRequest> ReadGateOption(const std::string& text, const std::string& model_folder);

}  // namespace espalier
