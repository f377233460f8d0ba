#version 450
// Matrix product of a few rows (a decoder step): each weight is read once for all of them, side by
// side across LANES invocations of four columns each; SLICES cut the depth, their sums meet in
// shared memory. Memory bound: what counts is the bytes of the weights.
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#include "params/gemm.h"
#include "lib/rows.glsl"
#include "lib/weights.glsl"
#include "lib/epilogue.glsl"

layout(local_size_x_id = 0, local_size_y_id = 7, local_size_z = 1) in;
layout(constant_id = 0) const uint LANES = 8;
layout(constant_id = 6) const uint TILE_ROWS = 1;  // at least the row count of the run
layout(constant_id = 7) const bool VECTORS = false;
layout(constant_id = 8) const uint SLICES = 1;

layout(binding = 1, std430) readonly buffer Input { float a[]; };
layout(binding = 1, std430) readonly buffer InputVectors { vec4 a4[]; };

shared vec4 parts[SLICES * TILE_ROWS * LANES];

void main() {
  const uint lane = gl_LocalInvocationID.x, slice = gl_LocalInvocationID.y;
  const uint vector = gl_WorkGroupID.x * LANES + lane;
  const uint depth = p.segment_length;
  const uint rows = Rows(p.rows);
  const uint panel = (vector / ESP_PANEL_VECTORS) * (depth * ESP_PANEL_VECTORS) +
                     vector % ESP_PANEL_VECTORS;
  const bool inside = vector * 4u < p.columns;
  uint at[TILE_ROWS];
  vec4 sum[TILE_ROWS];
  [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
    at[i] = p.in_base + min(i, rows - 1u) * p.in_stride;
    sum[i] = vec4(0.0);
  }
  if (inside && VECTORS) {
    for (uint k = slice * 4u; k < depth; k += SLICES * 4u) {
      const uint w = panel + k * ESP_PANEL_VECTORS;
      const vec4 w0 = WeightAt(w);
      const vec4 w1 = WeightAt(w + ESP_PANEL_VECTORS);
      const vec4 w2 = WeightAt(w + 2u * ESP_PANEL_VECTORS);
      const vec4 w3 = WeightAt(w + 3u * ESP_PANEL_VECTORS);
      [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
        const vec4 x = a4[(at[i] + k) / 4u];
        sum[i] = fma(vec4(x.x), w0, sum[i]);
        sum[i] = fma(vec4(x.y), w1, sum[i]);
        sum[i] = fma(vec4(x.z), w2, sum[i]);
        sum[i] = fma(vec4(x.w), w3, sum[i]);
      }
    }
  } else if (inside) {
    for (uint k = slice; k < depth; k += SLICES) {
      const vec4 wk = WeightAt(panel + k * ESP_PANEL_VECTORS);
      [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) sum[i] = fma(vec4(a[at[i] + k]), wk, sum[i]);
    }
  }
  if (SLICES > 1u) {
    [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
      parts[(slice * TILE_ROWS + i) * LANES + lane] = sum[i];
    }
    barrier();
    if (slice > 0u) return;
    [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
      for (uint j = 1; j < SLICES; ++j) sum[i] += parts[(j * TILE_ROWS + i) * LANES + lane];
    }
  }
  if (!inside) return;
  [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
    if (i < rows) Store(sum[i], i, 0u, vector * 4u);
  }
}
