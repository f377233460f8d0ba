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

// Writes `to`, a new folder: the tensors of `from` in one model.safetensors, its other files beside
// it. `storage` kI8: matrices become integers with a scale for each row (max |w| / 127), under
// `<name>` and `<name>.scale`; kF16: matrices that are f32 become f16.
// Errors: those of TensorStore::OpenFolder; kInvalidArgument (`to` exists, another storage, a
// weight that is not finite or too large for f16, nothing to change); kUnwritable; kCancelled.
Result<QuantizeReport> QuantizeFolder(const std::string& from, const std::string& to, DType storage,
                                      const QuantizeProgress& progress,
                                      const std::stop_token& stop);

}  // namespace espalier
