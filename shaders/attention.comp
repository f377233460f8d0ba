#version 450
// Fused attention of many queries: an invocation keeps one query and its running result of one head
// in registers, keys and values are read at the same address by the whole workgroup. The softmax is
// online: a block of BLOCK scores raises the maximum, earlier sums are scaled down.
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#include "params/attention.h"
#include "lib/rows.glsl"
#include "lib/math.glsl"
#include "lib/halves.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const uint WIDTH = 4;        // of one head
layout(constant_id = 2) const bool VECTORS = false;  // all rows and heads begin at a vec4
layout(constant_id = 3) const uint BLOCK = 4;        // more hide latency, and cost compile time
layout(constant_id = 4) const bool HALVES = false;   // keys and values are f16

const uint WIDTH_VECTORS = (WIDTH + 3) / 4;

layout(binding = 1, std430) readonly buffer Query { float query[]; };
layout(binding = 2, std430) readonly buffer Key { float key[]; };
layout(binding = 2, std430) readonly buffer KeyVectors { vec4 key4[]; };
layout(binding = 2, std430) readonly buffer KeyHalves { uint key_halves[]; };
layout(binding = 2, std430) readonly buffer KeyHalfVectors { uvec2 key_halves4[]; };
layout(binding = 3, std430) readonly buffer Value { float value[]; };
layout(binding = 3, std430) readonly buffer ValueVectors { vec4 value4[]; };
layout(binding = 3, std430) readonly buffer ValueHalves { uint value_halves[]; };
layout(binding = 3, std430) readonly buffer ValueHalfVectors { uvec2 value_halves4[]; };
layout(binding = 4, std430) writeonly buffer Output { float result[]; };

vec4 KeyAt(uint at, uint i) {
  if (VECTORS && HALVES) return HalfVector(key_halves4[at / 4u + i]);
  if (VECTORS) return key4[at / 4u + i];
  vec4 x = vec4(0.0);
  [[unroll]] for (uint j = 0; j < 4u; ++j) {
    const uint c = at + i * 4u + j;
    if (i * 4u + j < WIDTH) x[j] = HALVES ? HalfOf(key_halves[c / 2u], c) : key[c];
  }
  return x;
}

vec4 ValueAt(uint at, uint i) {
  if (VECTORS && HALVES) return HalfVector(value_halves4[at / 4u + i]);
  if (VECTORS) return value4[at / 4u + i];
  vec4 x = vec4(0.0);
  [[unroll]] for (uint j = 0; j < 4u; ++j) {
    const uint c = at + i * 4u + j;
    if (i * 4u + j < WIDTH) x[j] = HALVES ? HalfOf(value_halves[c / 2u], c) : value[c];
  }
  return x;
}

void main() {
  const uint rows = Rows(p.rows), keys = Rows(p.keys);
  const uint row = gl_GlobalInvocationID.x;
  const uint column = gl_WorkGroupID.y * WIDTH;
  if (row >= rows) return;
  vec4 q[WIDTH_VECTORS], sum[WIDTH_VECTORS];
  [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) {
    sum[i] = q[i] = vec4(0.0);
    [[unroll]] for (uint j = 0; j < 4u; ++j) {
      const uint c = i * 4u + j;
      if (c < WIDTH) q[i][j] = query[p.query_base + row * p.query_stride + column + c] * p.scale;
    }
  }
  float largest = -3.0e38, total = 0.0;
  for (uint first = 0; first < keys; first += BLOCK) {
    float score[BLOCK];
    float block_largest = largest;
    [[unroll]] for (uint b = 0; b < BLOCK; ++b) {
      const uint at = p.key_base + min(first + b, keys - 1u) * p.key_stride + column;
      vec4 products = vec4(0.0);
      [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) {
        products = fma(q[i], KeyAt(at, i), products);
      }
      score[b] = products.x + products.y + products.z + products.w;
      if (score[b] > block_largest) block_largest = score[b];
    }
    const float shrink = Exp(largest - block_largest);
    largest = block_largest;
    total *= shrink;
    [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) sum[i] *= shrink;
    [[unroll]] for (uint b = 0; b < BLOCK; ++b) {
      const uint t = min(first + b, keys - 1u);
      const float weight = first + b < keys ? Exp(score[b] - largest) : 0.0;
      const uint at = p.value_base + t * p.value_stride + column;
      total += weight;
      [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) {
        sum[i] = fma(vec4(weight), ValueAt(at, i), sum[i]);
      }
    }
  }
  const uint out_at = p.out_base + row * p.out_stride + column;
  [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) {
    [[unroll]] for (uint j = 0; j < 4u; ++j) {
      const uint c = i * 4u + j;
      // Without any key the softmax is over nothing and the result is zero.
      if (c < WIDTH) result[out_at + c] = keys > 0u ? sum[i][j] / total : 0.0;
    }
  }
}
