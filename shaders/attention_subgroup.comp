#version 450
// attention for devices on which every load is dear (gemm_subgroup): a workgroup is one subgroup; each
// invocation keeps a query and loads another key and value, which the others take out of its
// registers. All rows and heads begin at a vec4.
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#extension GL_KHR_shader_subgroup_shuffle : enable
#include "params/attention.h"
#include "lib/rows.glsl"
#include "lib/math.glsl"
#include "lib/halves.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint LANES = 8;  // of a subgroup
layout(constant_id = 1) const uint WIDTH = 4;  // of one head
layout(constant_id = 2) const bool HALVES = false;  // keys and values are f16

const uint WIDTH_VECTORS = WIDTH / 4;

layout(binding = 1, std430) readonly buffer QueryVectors { vec4 query4[]; };
layout(binding = 2, std430) readonly buffer KeyVectors { vec4 key4[]; };
layout(binding = 2, std430) readonly buffer KeyHalfVectors { uvec2 key_halves4[]; };
layout(binding = 3, std430) readonly buffer ValueVectors { vec4 value4[]; };
layout(binding = 3, std430) readonly buffer ValueHalfVectors { uvec2 value_halves4[]; };
layout(binding = 4, std430) writeonly buffer Output { float result[]; };

// Vectors of a key and of a value.
vec4 KeyAt(uint i) { return HALVES ? HalfVector(key_halves4[i]) : key4[i]; }
vec4 ValueAt(uint i) { return HALVES ? HalfVector(value_halves4[i]) : value4[i]; }

void main() {
  const uint rows = Rows(p.rows), keys = Rows(p.keys);
  const uint wanted = gl_GlobalInvocationID.x;
  const uint row = min(wanted, rows - 1u);  // nobody leaves: the others need the key
  const uint column = gl_WorkGroupID.y * WIDTH;
  const uint query_at = (p.query_base + row * p.query_stride + column) / 4u;
  vec4 q[WIDTH_VECTORS], sum[WIDTH_VECTORS];
  [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) {
    q[i] = query4[query_at + i] * p.scale;
    sum[i] = vec4(0.0);
  }
  float largest = -3.0e38, total = 0.0;
  for (uint first = 0; first < keys; first += LANES) {
    const uint own = min(first + gl_SubgroupInvocationID, keys - 1u);
    const uint key_at = (p.key_base + own * p.key_stride + column) / 4u;
    const uint value_at = (p.value_base + own * p.value_stride + column) / 4u;
    float score[LANES];
    [[unroll]] for (uint b = 0; b < LANES; ++b) score[b] = 0.0;
    [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) {
      const vec4 k = KeyAt(key_at + i);
      [[unroll]] for (uint b = 0; b < LANES; ++b) score[b] += dot(q[i], subgroupShuffle(k, b));
    }
    float block_largest = largest;
    [[unroll]] for (uint b = 0; b < LANES; ++b) {
      if (score[b] > block_largest) block_largest = score[b];
    }
    const float shrink = Exp(largest - block_largest);
    largest = block_largest;
    total *= shrink;
    [[unroll]] for (uint b = 0; b < LANES; ++b) {
      score[b] = first + b < keys ? Exp(score[b] - largest) : 0.0;
      total += score[b];
    }
    [[unroll]] for (uint i = 0; i < WIDTH_VECTORS; ++i) {
      const vec4 v = ValueAt(value_at + i);
      vec4 part = sum[i] * shrink;
      [[unroll]] for (uint b = 0; b < LANES; ++b) {
        part = fma(vec4(score[b]), subgroupShuffle(v, b), part);
      }
      sum[i] = part;
    }
  }
  if (wanted >= rows) return;
  const uint out_at = p.out_base + row * p.out_stride + column;
  [[unroll]] for (uint i = 0; i < WIDTH; ++i) {
    // Without any key the softmax is over nothing and the result is zero.
    result[out_at + i] = keys > 0u ? sum[i / 4u][i % 4u] / total : 0.0;
  }
}
