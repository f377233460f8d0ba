// Linear and the convolutions are one matrix product; this chooses who computes it.
#pragma once

#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

// out = residual + scale · act(left · Wᵀ + bias); the left factor as cuda/kernels.h has it.
struct ProductRequest {
  TensorRef input, output;
  WeightRef weight, bias = {};
  espalier::Activation activation = espalier::Activation::kNone;
  float scale = 1.0f;
  TensorRef residual = {};
  int64_t taps = 1;  // of the weight's columns
  int32_t positions = 1, row_step = 1, padding = 0, position_step = 0;
  int32_t segments = 1, segment_length = 0;
};

// Errors: those of Lowering.
Status AddProduct(const ProductRequest& request, Lowering& lowering);

}  // namespace espalier::cuda
