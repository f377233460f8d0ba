// What Attention and CachedAttention tell their shaders alike.
#pragma once

#include "runtime/backend/vulkan/lowering.h"
#include "shaders/params/attention.h"

namespace espalier::vulkan {

struct AttentionWindows {
  Tensor query, key, value, output;
};

// Heads lie side by side in the columns; `width` is that of one. What belongs to a cache is 0.
AttentionParams AttentionParamsOf(uint32_t rows, uint32_t width, const AttentionWindows& windows);

}  // namespace espalier::vulkan
