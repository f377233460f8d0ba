#version 450
// y[r] = table[tokens[r]] · scale + position_table[positions[r]]. The table is packed as the output
// layer's matrix is (Whisper ties the two: one copy on the device).
#extension GL_GOOGLE_include_directive : enable
#include "params/embed.h"
#include "lib/rows.glsl"
#include "lib/weights.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 2) const bool HAS_POSITIONS = false;

layout(binding = 1, std430) readonly buffer Tokens { int tokens[]; };
layout(binding = 3, std430) readonly buffer Positions { int positions[]; };
layout(binding = 4, std430) readonly buffer PositionTable { float position_table[]; };
layout(binding = 5, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (c >= p.columns || row >= Rows(p.rows)) return;
  const uint token = uint(tokens[p.tokens_base + row * p.tokens_stride]) - p.token_begin;
  if (token >= p.token_count) return;  // in another chunk
  const uint at = (token / ESP_PANEL_COLUMNS * p.columns + c) * ESP_PANEL_VECTORS +
                  token % ESP_PANEL_COLUMNS / 4u;
  float value = WeightAt(at)[token % 4u] * (WeightScale(token + p.token_begin) * p.scale);
  if (HAS_POSITIONS) {
    const uint position = uint(positions[p.positions_base + row * p.positions_stride]);
    value += position_table[position * p.columns + c];
  }
  y[p.out_base + row * p.out_stride + c] = value;
}
