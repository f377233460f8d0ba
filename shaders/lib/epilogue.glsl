// What follows a matrix product: residual + scale · act(sum + bias), for four neighbouring columns.
#include "halves.glsl"
#include "math.glsl"

layout(constant_id = 2) const uint ACTIVATION = ESP_ACTIVATION_NONE;
layout(constant_id = 3) const bool HAS_BIAS = false;
layout(constant_id = 4) const bool HAS_RESIDUAL = false;
layout(constant_id = 5) const bool HALVES = false;  // the output is f16, its rows and columns are whole words

layout(binding = 3, std430) readonly buffer Bias { float bias[]; };
layout(binding = 4, std430) readonly buffer Residual { float residual[]; };
layout(binding = 5, std430) writeonly buffer Output { float result[]; };
layout(binding = 5, std430) writeonly buffer OutputHalves { uint result_halves[]; };

float Activate(float x) {
  // Comparisons rather than max(): NaN passes through.
  if (ACTIVATION == ESP_ACTIVATION_RELU) return x < 0.0 ? 0.0 : x;
  if (ACTIVATION == ESP_ACTIVATION_SWISH) return x / (1.0 + Exp(-x));
  if (ACTIVATION == ESP_ACTIVATION_GELU) return 0.5 * x * (1.0 + Erf(x * 0.707106781));
  return x;
}

// `sum`: columns column … column + 3 of the chunk at position f of row t. `column` is a multiple of 4.
void Store(vec4 sum, uint t, uint f, uint column) {
  const uint out_at = p.out_base + t * p.out_stride + f * p.out_step + column;
  const uint residual_at = p.residual_base + t * p.residual_stride + column;
  float left = 0.0;
  for (uint j = 0; j < 4u; ++j) {
    if (column + j >= p.columns) break;
    float x = sum[j] * WeightScale(p.bias_base + column + j);
    if (HAS_BIAS) x += bias[p.bias_base + column + j];
    x = Activate(x) * p.scale;
    if (HAS_RESIDUAL) x += residual[residual_at + j];
    if (!HALVES) {
      result[out_at + j] = x;
    } else if (j % 2u == 0u) {
      left = x;
    } else {
      result_halves[(out_at + j) / 2u] = HalfWord(left, x);
    }
  }
}
