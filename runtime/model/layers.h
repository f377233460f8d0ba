// The pieces that both families' layers are made of, each a few ops.
#pragma once

#include <string>

#include "runtime/model/plan_builder.h"

namespace espalier {

// Names and habits that differ between the families' tensors.
struct LayerStyle {
  float norm_epsilon = 1e-12f;
  Activation ffn_activation = Activation::kSwish;
  bool key_bias = true;  // Whisper's key projections have none
};

// Tensor names of one attention block: "<prefix>.linear_q" (ESPnet) or "<prefix>.q_proj" (HF).
struct AttentionNames {
  std::string query, key, value, out;
};
AttentionNames EspnetAttention(const std::string& prefix);
AttentionNames HuggingFaceAttention(const std::string& prefix);

// LayerNorm of `x` into a new slot.
TensorRef Normalize(PlanBuilder& b, const std::string& slot, const TensorRef& x,
                    const std::string& tensor, const LayerStyle& style);

// x·Wᵀ + b into a new slot of `width` columns.
TensorRef Project(PlanBuilder& b, const std::string& slot, const TensorRef& x,
                  const std::string& tensor, int32_t width, bool bias = true,
                  Activation activation = Activation::kNone);

// residual + scale·(h·Wᵀ + b) into a new slot; `tap` (may be empty) keeps h·Wᵀ + b itself for
// dumps.
TensorRef ProjectOnto(PlanBuilder& b, const std::string& slot, const TensorRef& h,
                      const std::string& tensor, const TensorRef& residual, float scale,
                      const std::string& tap);

// x + scale · w_2(act(w_1(LN x))) (spec §5, §7).
struct FeedForwardNames {
  std::string norm, first, second;
  std::string tap;
};
TensorRef FeedForward(PlanBuilder& b, const std::string& slot, const TensorRef& x,
                      const FeedForwardNames& names, int32_t units, float scale,
                      const LayerStyle& style);

// Sinusoidal positions in f32, (rows, width), as ESPnet computes them (spec §4).
std::vector<float> SinusoidalPositions(int32_t rows, int32_t width);
WeightRef SinusoidalTable(PlanBuilder& b, int32_t rows, int32_t width);

}  // namespace espalier
