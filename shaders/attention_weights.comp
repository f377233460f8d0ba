#version 450
// The softmax of one head's scores, a workgroup per query. Scores are computed anew for the maximum, the
// sum and the result rather than kept: the result may be added to what is there.
#extension GL_GOOGLE_include_directive : enable
#include "params/attention_weights.h"
#include "lib/rows.glsl"
#include "lib/math.glsl"
#include "lib/halves.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 8;
layout(constant_id = 1) const uint WIDTH = 4;
layout(constant_id = 2) const bool ACCUMULATE = false;
layout(constant_id = 3) const bool HALVES = false;  // keys are f16; WIDTH is even then
#include "lib/reduce.glsl"

layout(binding = 1, std430) readonly buffer Query { float query[]; };
layout(binding = 2, std430) readonly buffer Key { float key[]; };
layout(binding = 2, std430) readonly buffer KeyHalves { uint key_halves[]; };
layout(binding = 3, std430) buffer Output { float result[]; };

shared float q[WIDTH];

float Score(uint t) {
  const uint at = p.key_base + t * p.key_stride;
  float score = 0.0;
  if (HALVES) {
    for (uint c = 0; c < WIDTH; c += 2u) {
      const vec2 k = unpackHalf2x16(key_halves[(at + c) / 2u]);
      score = fma(q[c + 1u], k.y, fma(q[c], k.x, score));
    }
  } else {
    for (uint c = 0; c < WIDTH; ++c) score = fma(q[c], key[at + c], score);
  }
  return score;
}

void main() {
  const uint thread = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  const uint keys = Rows(p.keys);
  for (uint c = thread; c < WIDTH; c += THREADS) {
    q[c] = query[p.query_base + row * p.query_stride + c] * p.score_scale;
  }
  barrier();
  float largest = -3.0e38;
  for (uint t = thread; t < keys; t += THREADS) {
    const float score = Score(t);
    if (score > largest) largest = score;
  }
  largest = ReduceMax(largest);
  float total = 0.0;
  for (uint t = thread; t < keys; t += THREADS) total += Exp(Score(t) - largest);
  total = ReduceSum(total);
  const uint out_at = p.out_base + row * p.out_stride;
  for (uint t = thread; t < keys; t += THREADS) {
    float weight = p.weight_scale * Exp(Score(t) - largest) / total;
    if (ACCUMULATE) weight += result[out_at + t];
    result[out_at + t] = weight;
  }
}
