#version 450
// Mean over all rows: LANES columns of a workgroup, SLICES cut the rows.
#extension GL_GOOGLE_include_directive : enable
#include "params/mean_pool.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint LANES = 8;
layout(constant_id = 1) const uint SLICES = 1;

layout(binding = 1, std430) readonly buffer Input { float x[]; };
layout(binding = 2, std430) writeonly buffer Output { float y[]; };

shared float parts[SLICES * LANES];

void main() {
  const uint lane = gl_LocalInvocationID.x, slice = gl_LocalInvocationID.y;
  const uint c = gl_GlobalInvocationID.x;
  const uint rows = Rows(p.rows);
  float sum = 0.0;
  if (c < p.columns) {
    for (uint r = slice; r < rows; r += SLICES) sum += x[p.in_base + r * p.in_stride + c];
  }
  parts[slice * LANES + lane] = sum;
  barrier();
  if (slice > 0u || c >= p.columns) return;
  for (uint i = 1; i < SLICES; ++i) sum += parts[i * LANES + lane];
  // The mean of nothing is zero rather than NaN: an empty window must not poison the gates.
  y[p.out_base + c] = rows > 0u ? sum / float(rows) : 0.0;
}
