#version 450
// The first half of CachedAttention: every row's key and value go to the cache row of its position
// and lane. A dispatch of its own, because all rows must be there before any row attends.
#extension GL_GOOGLE_include_directive : enable
#include "params/cache_write.h"
#include "lib/rows.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;

layout(binding = 1, std430) readonly buffer Key { float key[]; };
layout(binding = 2, std430) readonly buffer Value { float value[]; };
layout(binding = 3, std430) writeonly buffer KeyCache { float key_cache[]; };
layout(binding = 4, std430) writeonly buffer ValueCache { float value_cache[]; };
layout(binding = 5, std430) readonly buffer Positions { int positions[]; };
layout(binding = 6, std430) readonly buffer Lanes { int lanes[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (c >= p.columns || row >= Rows(p.rows)) return;
  const uint to = uint(positions[p.positions_base + row * p.positions_stride]) * p.lane_count +
                  uint(lanes[p.lanes_base + row * p.lanes_stride]);
  key_cache[p.key_cache_base + to * p.key_cache_stride + c] =
      key[p.key_base + row * p.key_stride + c];
  value_cache[p.value_cache_base + to * p.value_cache_stride + c] =
      value[p.value_base + row * p.value_stride + c];
}
