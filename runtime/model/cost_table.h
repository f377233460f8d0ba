// What each module of a model costs in time on one device, as `espalier profile` measured it, and
// what a mask of gates is therefore worth (docs/gates.md has the file's format).
//
// Goals: training spends a budget of time by it, and predicted savings can be held against measured
// ones. Non-goals: measuring (session/profile.h).
#pragma once

#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/model/gates.h"

namespace espalier {

// One stack's modules, in seconds, (layers, modules) row-major as in GateTable, and what no gate
// closes.
struct StackCost {
  std::vector<std::string> modules;
  int layers = 0;
  std::vector<double> seconds;
  double rest_s = 0;

  // Time of the stack with the gates of `gates`, which has the same modules and layers.
  double With(const GateTable& gates) const;
};

// Costs of a window of `input_s` seconds, padding included.
struct WindowCost {
  double input_s = 0;
  double features_s = 0;
  double stem_s = 0;
  double gates_s = 0;      // one look of the predictor; 0 without one
  StackCost encoder;       // once per window
  StackCost source;        // once per window: keys and values; decoder modules, all but src_attn 0
  StackCost decoder_step;  // one token, one hypothesis
};

// What a utterance of one window costs.
struct PredictedTime {
  double encode_s = 0;  // features, stem, look, encoder, keys and values
  double step_s = 0;
};

struct CostTable {
  std::string model;       // its name
  std::string device;      // "cpu: Vector kernels, AVX2, 2 threads"
  double reference_s = 0;  // input and tokens of the summary for training
  int reference_tokens = 0;
  std::vector<WindowCost> windows;  // by ascending input_s, at least one

  // For a window of `input_s` seconds under `mask`: between two measured lengths on a straight
  // line; below the shortest, once per window in proportion and per step as the shortest; above the
  // longest likewise.
  PredictedTime Predict(const GateMask& mask, double input_s) const;
};

// The file: a summary as training reads it ("encoder", "decoder": seconds of one utterance of
// reference_s and reference_tokens by module, a list with a number per layer), then all windows.
std::string CostTableToJson(const CostTable& table);

// Errors: kInvalidArgument (not such a file, modules or layers that are not those of `config`).
Result<CostTable> LoadCostTable(const std::string& path, const ModelConfig& config);

}  // namespace espalier
