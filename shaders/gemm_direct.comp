#version 450
// Matrix product without shared memory: an invocation keeps TILE_ROWS output positions of four
// columns in registers; weights are read once per tile, side by side across invocations, inputs are
// the same for all invocations of a workgroup. For devices whose shared memory is no faster than
// their cache (phones). On lavapipe, 188 x 1024 x 1024: 2.0, 2.9, 3.65 GFLOP/s with 8, 16, 32 rows; a
// 64 x 64 x 16 tile in shared memory gave 1.9 and compiled for 2 s.
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#include "params/gemm.h"
#include "lib/rows.glsl"
#include "lib/weights.glsl"
#include "lib/epilogue.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 6) const uint TILE_ROWS = 8;
layout(constant_id = 7) const bool VECTORS = false;  // every segment begins and ends at a vec4

layout(binding = 1, std430) readonly buffer Input { float a[]; };
layout(binding = 1, std430) readonly buffer InputVectors { vec4 a4[]; };

void main() {
  const uint vector = gl_GlobalInvocationID.x;
  if (vector * 4u >= p.columns) return;
  const uint depth = p.segments * p.segment_length;
  const uint count = Rows(p.rows) * p.positions;
  const uint in_rows = Rows(p.in_rows);
  const uint first = gl_WorkGroupID.y * TILE_ROWS;
  uint w = (vector / ESP_PANEL_VECTORS) * (depth * ESP_PANEL_VECTORS) + vector % ESP_PANEL_VECTORS;
  vec4 sum[TILE_ROWS];
  [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) sum[i] = vec4(0.0);
  for (uint s = 0; s < p.segments; ++s) {
    // Rows outside the input are read from the nearest row inside, times zero: its value takes part
    // in the same output anyway, so that NaN is not invented.
    uint at[TILE_ROWS];
    float inside[TILE_ROWS];
    [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
      const uint m = min(first + i, count - 1u);
      const int row = int((m / p.positions) * p.row_step + s) - int(p.padding);
      const int nearest = clamp(row, 0, int(in_rows) - 1);
      inside[i] = row == nearest ? 1.0 : 0.0;
      at[i] = p.in_base + uint(nearest) * p.in_stride + (m % p.positions) * p.position_step;
    }
    if (VECTORS) {
      for (uint k = 0; k < p.segment_length; k += 4u, w += 4u * ESP_PANEL_VECTORS) {
        const vec4 w0 = WeightAt(w);
        const vec4 w1 = WeightAt(w + ESP_PANEL_VECTORS);
        const vec4 w2 = WeightAt(w + 2u * ESP_PANEL_VECTORS);
        const vec4 w3 = WeightAt(w + 3u * ESP_PANEL_VECTORS);
        [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
          const vec4 x = a4[(at[i] + k) / 4u] * inside[i];
          sum[i] = fma(vec4(x.x), w0, sum[i]);
          sum[i] = fma(vec4(x.y), w1, sum[i]);
          sum[i] = fma(vec4(x.z), w2, sum[i]);
          sum[i] = fma(vec4(x.w), w3, sum[i]);
        }
      }
    } else {
      for (uint k = 0; k < p.segment_length; ++k, w += ESP_PANEL_VECTORS) {
        const vec4 wk = WeightAt(w);
        [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
          sum[i] = fma(vec4(a[at[i] + k] * inside[i]), wk, sum[i]);
        }
      }
    }
  }
  [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
    const uint m = first + i;
    if (m < count) Store(sum[i], m / p.positions, m % p.positions, vector * 4u);
  }
}
