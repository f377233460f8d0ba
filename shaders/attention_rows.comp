#version 450
// Fused attention of a few queries (a decoder step), over a key/value cache or over plain rows: a
// workgroup computes one query of one head; invocations share out the keys for the scores and the
// columns for the sums. Online softmax over blocks of one key per invocation.
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#include "params/attention.h"
#include "lib/rows.glsl"
#include "lib/math.glsl"
#include "lib/halves.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 8;
layout(constant_id = 1) const uint WIDTH = 4;  // of one head
layout(constant_id = 2) const bool CACHED = false;
layout(constant_id = 3) const bool HALVES = false;  // keys and values are f16
#include "lib/reduce.glsl"

layout(binding = 1, std430) readonly buffer Query { float query[]; };
layout(binding = 2, std430) readonly buffer Key { float key[]; };
layout(binding = 2, std430) readonly buffer KeyHalves { uint key_halves[]; };
layout(binding = 3, std430) readonly buffer Value { float value[]; };
layout(binding = 3, std430) readonly buffer ValueHalves { uint value_halves[]; };
layout(binding = 4, std430) writeonly buffer Output { float result[]; };
layout(binding = 5, std430) readonly buffer Positions { int positions[]; };
layout(binding = 6, std430) readonly buffer Lanes { int lanes[]; };
layout(binding = 7, std430) readonly buffer History { int history[]; };

shared float q[WIDTH];
shared float sum[WIDTH];
shared float weights[THREADS];
shared uint key_rows[THREADS];

// The row of keys and values that holds position t of the query's hypothesis.
uint KeyRow(uint t, uint lane) {
  if (!CACHED) return t;
  return t * p.lane_count + uint(history[p.history_base + lane * p.history_stride + t]);
}

// The query's product with the key that begins at element `at`.
float Score(uint at) {
  float score = 0.0;
  if (HALVES && WIDTH % 2u == 0u) {
    for (uint c = 0; c < WIDTH; c += 2u) {
      const vec2 k = unpackHalf2x16(key_halves[(at + c) / 2u]);
      score = fma(q[c + 1u], k.y, fma(q[c], k.x, score));
    }
  } else {
    for (uint c = 0; c < WIDTH; ++c) {
      score = fma(q[c], HALVES ? HalfOf(key_halves[(at + c) / 2u], at + c) : key[at + c], score);
    }
  }
  return score;
}

float ValueAt(uint at) { return HALVES ? HalfOf(value_halves[at / 2u], at) : value[at]; }

void main() {
  const uint thread = gl_LocalInvocationID.x;
  const uint row = gl_WorkGroupID.x;
  const uint column = gl_WorkGroupID.y * WIDTH;
  uint keys = 0u, lane = 0u;
  if (CACHED) {
    keys = uint(positions[p.positions_base + row * p.positions_stride]) + 1u;
    lane = uint(lanes[p.lanes_base + row * p.lanes_stride]);
  } else {
    keys = Rows(p.keys);
  }
  for (uint c = thread; c < WIDTH; c += THREADS) {
    q[c] = query[p.query_base + row * p.query_stride + column + c] * p.scale;
    sum[c] = 0.0;
  }
  barrier();
  float largest = -3.0e38, total = 0.0;
  for (uint first = 0; first < keys; first += THREADS) {
    const uint t = first + thread;
    const uint key_row = KeyRow(min(t, keys - 1u), lane);
    const float score = Score(p.key_base + key_row * p.key_stride + column);
    const float block_largest = ReduceMax(t < keys && score > largest ? score : largest);
    const float weight = t < keys ? Exp(score - block_largest) : 0.0;
    const float shrink = Exp(largest - block_largest);
    largest = block_largest;
    total = fma(total, shrink, ReduceSum(weight));
    weights[thread] = weight;
    key_rows[thread] = p.value_base + key_row * p.value_stride + column;
    barrier();
    const uint count = min(THREADS, keys - first);
    for (uint c = thread; c < WIDTH; c += THREADS) {
      float x = sum[c] * shrink;
      for (uint i = 0; i < count; ++i) x = fma(weights[i], ValueAt(key_rows[i] + c), x);
      sum[c] = x;
    }
    barrier();
  }
  for (uint c = thread; c < WIDTH; c += THREADS) {
    // Without any key the softmax is over nothing and the result is zero.
    result[p.out_base + row * p.out_stride + column + c] = keys > 0u ? sum[c] / total : 0.0;
  }
}
