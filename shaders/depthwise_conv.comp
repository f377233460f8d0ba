#version 450
// Depthwise convolution over time with the op's epilogue: an invocation computes STEPS rows of one
// channel. The weights are transposed: (kernel, channels).
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#include "params/depthwise_conv.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint STEPS = 4;
layout(constant_id = 2) const bool MULTIPLY = false;
layout(constant_id = 3) const bool ADD_INPUT = false;

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) readonly buffer Weights { float w[]; };
layout(binding = 3, std430) readonly buffer Bias { float bias[]; };
layout(binding = 4, std430) readonly buffer Multiplier { float multiplier[]; };
layout(binding = 5, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x, first = gl_WorkGroupID.y * STEPS;
  const uint rows = Rows(p.rows);
  if (c >= p.columns) return;
  const int before = int(p.kernel / 2u);
  float sum[STEPS];
  [[unroll]] for (uint i = 0; i < STEPS; ++i) sum[i] = bias[c];
  for (uint j = 0; j < p.kernel; ++j) {
    const float wj = w[j * p.columns + c];
    [[unroll]] for (uint i = 0; i < STEPS; ++i) {
      const int row = int(first + i + j) - before;
      const bool inside = row >= 0 && row < int(rows);
      const float value = x[p.in_base + (inside ? uint(row) : 0u) * p.in_stride + c];
      sum[i] = fma(wj, inside ? value : 0.0, sum[i]);
    }
  }
  [[unroll]] for (uint i = 0; i < STEPS; ++i) {
    const uint row = first + i;
    if (row < rows) {
      float z = sum[i];
      if (MULTIPLY) z *= multiplier[p.multiplier_base + row * p.multiplier_stride + c];
      if (ADD_INPUT) z += x[p.in_base + row * p.in_stride + c];
      y[p.out_base + row * p.out_stride + c] = z;
    }
  }
}
