// Packed weights (runtime/backend/vulkan/weights.h) as vec4s of four neighbouring columns, whatever
// their storage. Smaller types are widened by core GLSL: no feature of the device is needed.
layout(constant_id = 1) const uint WEIGHT_TYPE = ESP_WEIGHT_F32;

layout(binding = 2, std430) readonly buffer Weights32 { vec4 weights32[]; };
layout(binding = 2, std430) readonly buffer Weights16 { uvec2 weights16[]; };
layout(binding = 2, std430) readonly buffer Weights8 { uint weights8[]; };
layout(binding = 6, std430) readonly buffer WeightScales { float weight_scales[]; };

// Of i8 weights, by the weight's row; 1 for other storage. A sum is multiplied by it once.
float WeightScale(uint row) { return WEIGHT_TYPE == ESP_WEIGHT_I8 ? weight_scales[row] : 1.0; }

vec4 WeightAt(uint index) {
  if (WEIGHT_TYPE == ESP_WEIGHT_F32) return weights32[index];
  if (WEIGHT_TYPE == ESP_WEIGHT_I8) {
    const int word = int(weights8[index]);
    return vec4(ivec4(word << 24, word << 16, word << 8, word) >> 24);
  }
  const uvec2 bits = weights16[index];
  if (WEIGHT_TYPE == ESP_WEIGHT_F16) return vec4(unpackHalf2x16(bits.x), unpackHalf2x16(bits.y));
  return uintBitsToFloat(
      uvec4(bits.x << 16, bits.x & 0xFFFF0000u, bits.y << 16, bits.y & 0xFFFF0000u));
}
