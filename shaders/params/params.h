// Push constants, declared once for GLSL and C++. A block is
//   ESP_PARAMS_BEGIN(Name) uint a; float b; ESP_PARAMS_END(Name, size in bytes)
// GLSL reads its members as p.a; C++ gets a struct of 4-byte members without padding.
#ifndef ESPALIER_SHADERS_PARAMS_PARAMS_H_
#define ESPALIER_SHADERS_PARAMS_PARAMS_H_

// A row count in push constants: the count itself, or with this bit an index into the lengths buffer
// (binding 0), because the count is known only when the plan runs.
#define ESP_LENGTH_BIT 0x80000000u

// Columns of a panel of packed weights (runtime/backend/vulkan/weights.h), and vec4s of it.
#define ESP_PANEL_COLUMNS 32u
#define ESP_PANEL_VECTORS 8u

// Storage of packed weights (constant_id 1).
#define ESP_WEIGHT_F32 0u
#define ESP_WEIGHT_F16 1u
#define ESP_WEIGHT_BF16 2u
#define ESP_WEIGHT_I8 3u

// Activation (constant_id 2), in the order of graph/refs.h.
#define ESP_ACTIVATION_NONE 0u
#define ESP_ACTIVATION_RELU 1u
#define ESP_ACTIVATION_SWISH 2u
#define ESP_ACTIVATION_GELU 3u

// Rows that one run of gemv.comp takes.
#define ESP_GEMV_ROWS 8u

#ifdef __cplusplus
#include <cstdint>
namespace espalier::vulkan {
using uint = uint32_t;
}  // namespace espalier::vulkan
#define ESP_PARAMS_BEGIN(name) \
  namespace espalier::vulkan { \
  struct name {
#define ESP_PARAMS_END(name, size_bytes)                              \
  }                                                                   \
  ;                                                                   \
  static_assert(sizeof(name) == (size_bytes) && (size_bytes) <= 128); \
  }
#else
#define ESP_PARAMS_BEGIN(name) layout(push_constant) uniform name {
#define ESP_PARAMS_END(name, size_bytes) \
  }                                      \
  p;
#endif

#endif  // ESPALIER_SHADERS_PARAMS_PARAMS_H_
