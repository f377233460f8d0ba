#version 450
// x - log Σ exp(x), a workgroup per row. Sums are taken in blocks: over 50002 columns one running
// sum in f32 would be off by more than the tolerance.
#extension GL_GOOGLE_include_directive : enable
#include "params/log_softmax.h"
#include "lib/rows.glsl"
#include "lib/math.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 8;
#include "lib/reduce.glsl"

const uint BLOCK = 64;

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint thread = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  const uint in_at = p.in_base + row * p.in_stride, out_at = p.out_base + row * p.out_stride;
  float largest = -3.4e38;
  for (uint c = thread; c < p.columns; c += THREADS) {
    if (x[in_at + c] > largest) largest = x[in_at + c];
  }
  largest = ReduceMax(largest);
  float total = 0.0;
  for (uint begin = thread; begin < p.columns; begin += THREADS * BLOCK) {
    const uint end = min(p.columns, begin + THREADS * BLOCK);
    float sum = 0.0;
    for (uint c = begin; c < end; c += THREADS) sum += Exp(x[in_at + c] - largest);
    total += sum;
  }
  const float log_total = Log(ReduceSum(total));
  for (uint c = thread; c < p.columns; c += THREADS) {
    // Not x - (largest + log): the difference from the maximum is exact where it matters.
    y[out_at + c] = (x[in_at + c] - largest) - log_total;
  }
}
