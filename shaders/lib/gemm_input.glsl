// What the tiled products stage in shared memory: four neighbouring elements of an input's segment,
// four neighbouring columns of the packed weights; zeros outside either.
layout(constant_id = 7) const bool VECTORS = false;  // every segment begins and ends at a vec4

layout(binding = 1, std430) readonly buffer Input { float a[]; };
layout(binding = 1, std430) readonly buffer InputVectors { vec4 a4[]; };

// Elements k … k + 3 of segment s at output position m of `count`.
vec4 InputAt(uint m, uint count, uint in_rows, uint s, uint k) {
  const int row = int((m / p.positions) * p.row_step + s) - int(p.padding);
  const uint at = p.in_base + uint(row) * p.in_stride + (m % p.positions) * p.position_step + k;
  const bool inside = m < count && row >= 0 && row < int(in_rows);
  if (VECTORS) return inside && k < p.segment_length ? a4[at / 4u] : vec4(0.0);
  vec4 x = vec4(0.0);
  for (uint j = 0; j < 4u; ++j) {
    if (inside && k + j < p.segment_length) x[j] = a[at + j];
  }
  return x;
}

// Depth k of segment s, columns 4 · vector … + 3.
vec4 WeightVector(uint s, uint k, uint vector) {
  const uint depth = p.segments * p.segment_length;
  const uint at = (vector / ESP_PANEL_VECTORS) * (depth * ESP_PANEL_VECTORS) +
                  (s * p.segment_length + k) * ESP_PANEL_VECTORS + vector % ESP_PANEL_VECTORS;
  return k < p.segment_length && vector * 4u < p.columns ? WeightAt(at) : vec4(0.0);
}
