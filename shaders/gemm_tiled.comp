#version 450
// Matrix product through shared memory, for desktop GPUs: a workgroup computes TILE_ROWS output
// positions of TILE_VECTORS vec4 columns; an invocation ROWS_EACH positions of one vec4 column.
// DEPTH elements of the depth at a time are staged, positions in the fastest index with one element
// of padding against bank conflicts.
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#include "params/gemm.h"
#include "lib/rows.glsl"
#include "lib/weights.glsl"
#include "lib/epilogue.glsl"
#include "lib/gemm_input.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 64;  // TILE_VECTORS · TILE_ROWS / ROWS_EACH
layout(constant_id = 6) const uint TILE_ROWS = 32;
layout(constant_id = 8) const uint TILE_VECTORS = 8;
layout(constant_id = 9) const uint ROWS_EACH = 4;
layout(constant_id = 10) const uint DEPTH = 16;  // a multiple of 4

shared float tile_a[DEPTH * (TILE_ROWS + 1)];
shared vec4 tile_w[DEPTH * TILE_VECTORS];

void LoadInput(uint first, uint count, uint in_rows, uint s, uint k0) {
  for (uint i = gl_LocalInvocationIndex; i < TILE_ROWS * (DEPTH / 4u); i += THREADS) {
    const uint r = i / (DEPTH / 4u), k = i % (DEPTH / 4u) * 4u;
    const vec4 x = InputAt(first + r, count, in_rows, s, k0 + k);
    [[unroll]] for (uint j = 0; j < 4u; ++j) tile_a[(k + j) * (TILE_ROWS + 1u) + r] = x[j];
  }
}

void LoadWeights(uint s, uint k0, uint vector0) {
  for (uint i = gl_LocalInvocationIndex; i < DEPTH * TILE_VECTORS; i += THREADS) {
    tile_w[i] = WeightVector(s, k0 + i / TILE_VECTORS, vector0 + i % TILE_VECTORS);
  }
}

void main() {
  const uint lane = gl_LocalInvocationIndex % TILE_VECTORS;
  const uint rows = gl_LocalInvocationIndex / TILE_VECTORS * ROWS_EACH;
  const uint first = gl_WorkGroupID.y * TILE_ROWS;
  const uint vector0 = gl_WorkGroupID.x * TILE_VECTORS;
  const uint count = Rows(p.rows) * p.positions;
  const uint in_rows = Rows(p.in_rows);
  vec4 sum[ROWS_EACH];
  [[unroll]] for (uint i = 0; i < ROWS_EACH; ++i) sum[i] = vec4(0.0);
  for (uint s = 0; s < p.segments; ++s) {
    for (uint k0 = 0; k0 < p.segment_length; k0 += DEPTH) {
      LoadInput(first, count, in_rows, s, k0);
      LoadWeights(s, k0, vector0);
      barrier();
      [[unroll]] for (uint k = 0; k < DEPTH; ++k) {
        const vec4 w = tile_w[k * TILE_VECTORS + lane];
        [[unroll]] for (uint i = 0; i < ROWS_EACH; ++i) {
          sum[i] = fma(vec4(tile_a[k * (TILE_ROWS + 1u) + rows + i]), w, sum[i]);
        }
      }
      barrier();
    }
  }
  [[unroll]] for (uint i = 0; i < ROWS_EACH; ++i) {
    const uint m = first + rows + i;
    if (m < count) Store(sum[i], m / p.positions, m % p.positions, (vector0 + lane) * 4u);
  }
}
