// A model folder with its weights in a smaller storage type.
//
// Goals: the folder appears whole or not at all; what is read one value at a time (norms, biases,
// convolutions, positions, the gate predictor) keeps its type. Non-goals: calibration, activations
// (a backend's business).
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "runtime/base/status.h"
#include "runtime/tensor/dtype.h"

namespace espalier {

struct QuantizeReport {
  int64_t tensor_count = 0;  // whose storage changed
  int64_t kept_count = 0;    // written as they were
  int64_t input_bytes = 0;   // of all tensors
  int64_t output_bytes = 0;
  double worst_relative = 0.0;  // largest root-mean-square error of a tensor, of its own magnitude
};

// Called after each tensor.
using QuantizeProgress = std::function<void(int64_t done, int64_t count)>;

struct QuantizeOptions {
  DType storage = DType::kI8;  // or kF16
  std::string gate_pack;       // a folder; "": that of `from` (from/gate_pack), if it has one
};

// Writes `to`, a new folder: the tensors of `from` in one model.safetensors, its other files beside
// it. Storage kI8: matrices become integers with a scale for each row (max |w| / 127), under
// `<name>` and `<name>.scale`; kF16: matrices that are f32 become f16. The weights that a gate pack
// changes are written changed, and the pack's predictors into to/gate_pack, so that nothing is left
// to be added when the model is loaded; without one config.json says which model this was, so that
// its packs still fit.
// Errors: those of TensorStore::OpenFolder and of opening and attaching a pack; kInvalidArgument
// (`to` exists, another storage, a weight that is not finite or too large for f16, nothing to
// change); kUnwritable; kCancelled.
Result<QuantizeReport> QuantizeFolder(const std::string& from, const std::string& to,
                                      const QuantizeOptions& options,
                                      const QuantizeProgress& progress,
                                      const std::stop_token& stop);

}  // namespace espalier
