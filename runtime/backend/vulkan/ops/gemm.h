// The matrix product that Linear, Conv1d and Conv2dRelu have in common (shaders/params/gemm.h).
#pragma once

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

struct Gemm {
  TensorRef input;
  TensorRef output;
  WeightRef weight;
  WeightRef bias = {};
  TensorRef residual = {};
  Activation activation = Activation::kNone;
  float scale = 1.0f;
  int64_t taps = 1;        // of the weight (WeightLayout)
  uint32_t positions = 1;  // of an output row; each has as many columns as the weight has rows
  uint32_t row_step = 1;
  uint32_t padding = 0;
  uint32_t position_step = 0;  // elements
  uint32_t segments = 1;
  uint32_t segment_length = 0;  // elements
};

// One dispatch per chunk of the weight. Few rows of a plain matrix take gemv.comp.
Status AddGemm(const Gemm& gemm, Lowering& lowering);

}  // namespace espalier::vulkan
