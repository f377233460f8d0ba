#version 450
// Layer normalisation, a workgroup per row; the variance in a pass of its own (E[x²] - mean² cancels
// for large means).
#extension GL_GOOGLE_include_directive : enable
#include "params/layer_norm.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 8;
#include "lib/reduce.glsl"

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) readonly buffer Gamma { float gamma[]; };
layout(binding = 3, std430) readonly buffer Beta { float beta[]; };
layout(binding = 4, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint thread = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  const uint in_at = p.in_base + row * p.in_stride, out_at = p.out_base + row * p.out_stride;
  float sum = 0.0;
  for (uint c = thread; c < p.columns; c += THREADS) sum += x[in_at + c];
  const float mean = ReduceSum(sum) / float(p.columns);
  float squares = 0.0;
  for (uint c = thread; c < p.columns; c += THREADS) {
    const float centred = x[in_at + c] - mean;
    squares = fma(centred, centred, squares);
  }
  const float inverse = 1.0 / sqrt(ReduceSum(squares) / float(p.columns) + p.epsilon);
  for (uint c = thread; c < p.columns; c += THREADS) {
    y[out_at + c] = fma((x[in_at + c] - mean) * inverse, gamma[c], beta[c]);
  }
}
