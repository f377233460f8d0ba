// Operands of the matrix product (gemm-inl.h): what is the same for every instruction set.
#pragma once

#include <cstdint>

#include "hwy/base.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/base/function_ref.h"

namespace espalier::cpu {

// The left operand: `rows` rows of the weight's depth, either in memory or, for convolutions, which
// have no such matrix, copied together part by part where the product wants them.
struct GemmInput {
  // Copies elements [depth_begin, depth_begin + depth_count) of rows [row_begin, row_begin +
  // row_count) to rows `stride` elements apart: floats or, where the weight has pairs of bfloats,
  // such, filled up with a zero to a whole pair. Called by several threads at once.
  struct Block {
    int64_t row_begin, row_count, depth_begin, depth_count;
  };
  using Fill = FunctionRef<void(const Block& block, void* to, int64_t stride)>;

  int64_t rows = 0;
  const float* data = nullptr;  // rows row_stride apart; null, and so with bfloats: `fill` has them
  int64_t row_stride = 0;
  const Fill* fill = nullptr;
};

struct GemmEpilogue {
  const float* bias = nullptr;  // a whole number of panels, or null
  Activation activation = Activation::kNone;
  float scale = 1.0f;
  const float* residual = nullptr;  // rows as the output's; may be the output itself
  int64_t residual_stride = 0;
};

// Row i lies at data + (i / group_rows)·group_stride + (i % group_rows)·row_stride: the frequencies
// of one step of a convolution are rows of the product and columns of its slot.
struct GemmOutput {
  float* data = nullptr;
  hwy::float16_t* halves = nullptr;  // in place of `data`: f16 rows
  int64_t group_rows = 1;
  int64_t group_stride = 0;
  int64_t row_stride = 0;
};

}  // namespace espalier::cpu
