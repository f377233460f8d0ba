#version 450
// y[r] = x[indices[r]].
#extension GL_GOOGLE_include_directive : enable
#include "params/gather_rows.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) readonly buffer Indices { int indices[]; };
layout(binding = 3, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (c >= p.columns || row >= Rows(p.rows)) return;
  const uint from = uint(indices[p.indices_base + row * p.indices_stride]);
  y[p.out_base + row * p.out_stride + c] = x[p.in_base + from * p.in_stride + c];
}
