#version 450
// y[t] = x[t] · scale + table[t].
#extension GL_GOOGLE_include_directive : enable
#include "params/add_positions.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) readonly buffer Table { float table[]; };
layout(binding = 3, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (c >= p.columns || row >= Rows(p.rows)) return;
  y[p.out_base + row * p.out_stride + c] =
      fma(x[p.in_base + row * p.in_stride + c], p.scale, table[row * p.columns + c]);
}
