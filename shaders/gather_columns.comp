#version 450
// y[r][c] = x[r][indices[c]], -inf where indices[c] is negative.
#extension GL_GOOGLE_include_directive : enable
#include "params/gather_columns.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) readonly buffer Indices { int indices[]; };
layout(binding = 3, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (c >= p.columns || row >= Rows(p.rows)) return;
  const int from = indices[p.indices_base + c];
  float value = uintBitsToFloat(0xFF800000u);
  if (from >= 0) value = x[p.in_base + row * p.in_stride + uint(from)];
  y[p.out_base + row * p.out_stride + c] = value;
}
