#version 450
// The first half of CachedAttention: every row's key and value go to the cache row of its position
// and lane. A dispatch of its own, because all rows must be there before any row attends.
#extension GL_GOOGLE_include_directive : enable
#include "params/cache_write.h"
#include "lib/rows.glsl"
#include "lib/halves.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 1) const bool HALVES = false;  // the cache is f16; an invocation writes a word

layout(binding = 1, std430) readonly buffer Key { float key[]; };
layout(binding = 2, std430) readonly buffer Value { float value[]; };
layout(binding = 3, std430) writeonly buffer KeyCache { float key_cache[]; };
layout(binding = 3, std430) writeonly buffer KeyCacheHalves { uint key_cache_halves[]; };
layout(binding = 4, std430) writeonly buffer ValueCache { float value_cache[]; };
layout(binding = 4, std430) writeonly buffer ValueCacheHalves { uint value_cache_halves[]; };
layout(binding = 5, std430) readonly buffer Positions { int positions[]; };
layout(binding = 6, std430) readonly buffer Lanes { int lanes[]; };

void main() {
  const uint c = gl_GlobalInvocationID.x * (HALVES ? 2u : 1u), row = gl_WorkGroupID.y;
  if (c >= p.columns || row >= Rows(p.rows)) return;
  const uint to = uint(positions[p.positions_base + row * p.positions_stride]) * p.lane_count +
                  uint(lanes[p.lanes_base + row * p.lanes_stride]);
  const uint key_at = p.key_base + row * p.key_stride + c;
  const uint value_at = p.value_base + row * p.value_stride + c;
  const uint key_to = p.key_cache_base + to * p.key_cache_stride + c;
  const uint value_to = p.value_cache_base + to * p.value_cache_stride + c;
  if (HALVES) {
    key_cache_halves[key_to / 2u] = HalfWord(key[key_at], key[key_at + 1u]);
    value_cache_halves[value_to / 2u] = HalfWord(value[value_at], value[value_at + 1u]);
  } else {
    key_cache[key_to] = key[key_at];
    value_cache[value_to] = value[value_at];
  }
}
