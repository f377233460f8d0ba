#version 450
// gemm_direct for devices on which every load is dear: lavapipe loads lane by lane, and knows of no
// address that is the same for all. A workgroup is one subgroup; each invocation loads the inputs of
// another row, and the others take them out of its registers. Every segment begins and ends at a vec4.
// One core, 192 x 512 x 512, f16 weights: 3.6 GFLOP/s, gemm_direct with 16 rows 0.8 (attention_subgroup
// 1.5, attention 0.2).
#extension GL_EXT_control_flow_attributes : enable
#extension GL_GOOGLE_include_directive : enable
#extension GL_KHR_shader_subgroup_shuffle : enable
#include "params/gemm.h"
#include "lib/rows.glsl"
#include "lib/weights.glsl"
#include "lib/epilogue.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint LANES = 8;      // of a subgroup
layout(constant_id = 6) const uint TILE_ROWS = 8;  // a multiple of LANES

const uint GROUPS = TILE_ROWS / LANES;

layout(binding = 1, std430) readonly buffer InputVectors { vec4 a4[]; };

void main() {
  const uint lane = gl_SubgroupInvocationID;
  const uint last = (p.columns - 1u) / 4u;
  const uint wanted = gl_GlobalInvocationID.x;
  const uint vector = min(wanted, last);  // nobody leaves: the others need the row
  const uint depth = p.segments * p.segment_length;
  const uint count = Rows(p.rows) * p.positions;
  const uint in_rows = Rows(p.in_rows);
  const uint first = gl_WorkGroupID.y * TILE_ROWS;
  uint w = (vector / ESP_PANEL_VECTORS) * (depth * ESP_PANEL_VECTORS) + vector % ESP_PANEL_VECTORS;
  vec4 sum[TILE_ROWS];
  [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) sum[i] = vec4(0.0);
  for (uint s = 0; s < p.segments; ++s) {
    // Rows outside the input as in gemm_direct.
    uint at[GROUPS];
    float inside[GROUPS];
    [[unroll]] for (uint g = 0; g < GROUPS; ++g) {
      const uint m = min(first + g * LANES + lane, count - 1u);
      const int row = int((m / p.positions) * p.row_step + s) - int(p.padding);
      const int nearest = clamp(row, 0, int(in_rows) - 1);
      inside[g] = row == nearest ? 1.0 : 0.0;
      at[g] = p.in_base + uint(nearest) * p.in_stride + (m % p.positions) * p.position_step;
    }
    for (uint k = 0; k < p.segment_length; k += 4u, w += 4u * ESP_PANEL_VECTORS) {
      const vec4 w0 = WeightAt(w);
      const vec4 w1 = WeightAt(w + ESP_PANEL_VECTORS);
      const vec4 w2 = WeightAt(w + 2u * ESP_PANEL_VECTORS);
      const vec4 w3 = WeightAt(w + 3u * ESP_PANEL_VECTORS);
      [[unroll]] for (uint g = 0; g < GROUPS; ++g) {
        const vec4 own = a4[(at[g] + k) / 4u] * inside[g];
        [[unroll]] for (uint i = 0; i < LANES; ++i) {
          const vec4 x = subgroupShuffle(own, i);
          vec4 total = sum[g * LANES + i];
          total = fma(vec4(x.x), w0, total);
          total = fma(vec4(x.y), w1, total);
          total = fma(vec4(x.z), w2, total);
          sum[g * LANES + i] = fma(vec4(x.w), w3, total);
        }
      }
    }
  }
  if (wanted > last) return;
  [[unroll]] for (uint i = 0; i < TILE_ROWS; ++i) {
    const uint m = first + i;
    if (m < count) Store(sum[i], m / p.positions, m % p.positions, vector * 4u);
  }
}
