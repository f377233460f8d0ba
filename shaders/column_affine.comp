#version 450
// y = x · scale + shift by column.
#extension GL_GOOGLE_include_directive : enable
#include "params/column_affine.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const bool HAS_SCALE = false;
layout(constant_id = 2) const bool HAS_SHIFT = false;

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) readonly buffer Scale { float scale[]; };
layout(binding = 3, std430) readonly buffer Shift { float shift[]; };
layout(binding = 4, std430) writeonly buffer Output { float y[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (c >= p.columns || row >= Rows(p.rows)) return;
  float value = x[p.in_base + row * p.in_stride + c];
  if (HAS_SCALE) value *= scale[c];
  if (HAS_SHIFT) value += shift[c];
  y[p.out_base + row * p.out_stride + c] = value;
}
