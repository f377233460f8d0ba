#include "runtime/model/layers.h"

#include <cmath>

namespace espalier {

AttentionNames EspnetAttention(const std::string& prefix) {
  return {prefix + ".linear_q", prefix + ".linear_k", prefix + ".linear_v", prefix + ".linear_out"};
}

AttentionNames HuggingFaceAttention(const std::string& prefix) {
  return {prefix + ".q_proj", prefix + ".k_proj", prefix + ".v_proj", prefix + ".out_proj"};
}

TensorRef Normalize(PlanBuilder& b, const std::string& slot, const TensorRef& x,
                    const std::string& tensor, const LayerStyle& style) {
  const TensorRef y = b.AddSlot(slot, b.LengthOf(x), x.column_count);
  b.Add(LayerNormOp{.input = x,
                    .gamma = b.Row(tensor + ".weight", x.column_count),
                    .beta = b.Row(tensor + ".bias", x.column_count),
                    .output = y,
                    .epsilon = style.norm_epsilon});
  return y;
}

TensorRef Project(PlanBuilder& b, const std::string& slot, const TensorRef& x,
                  const std::string& tensor, int32_t width, bool bias, Activation activation) {
  const TensorRef y = b.AddSlot(slot, b.LengthOf(x), width);
  b.Add(LinearOp{.input = x,
                 .weight = b.Matrix(tensor + ".weight", width, x.column_count),
                 .bias = bias ? b.Row(tensor + ".bias", width) : WeightRef{},
                 .output = y,
                 .activation = activation});
  return y;
}

TensorRef ProjectOnto(PlanBuilder& b, const std::string& slot, const TensorRef& h,
                      const std::string& tensor, const TensorRef& residual, float scale,
                      const std::string& tap) {
  const int32_t width = residual.column_count;
  if (b.keeps_taps() && !tap.empty()) b.Tap(tap, Project(b, slot + ".tap", h, tensor, width));
  const TensorRef y = b.AddSlot(slot, b.LengthOf(h), width);
  b.Add(LinearOp{.input = h,
                 .weight = b.Matrix(tensor + ".weight", width, h.column_count),
                 .bias = b.Row(tensor + ".bias", width),
                 .output = y,
                 .scale = scale,
                 .residual = residual});
  return y;
}

TensorRef FeedForward(PlanBuilder& b, const std::string& slot, const TensorRef& x,
                      const FeedForwardNames& names, int32_t units, float scale,
                      const LayerStyle& style) {
  const TensorRef normed = Normalize(b, slot + ".norm", x, names.norm, style);
  const TensorRef hidden =
      Project(b, slot + ".hidden", normed, names.first, units, true, style.ffn_activation);
  return ProjectOnto(b, slot, hidden, names.second, x, scale, names.tap);
}

std::vector<float> SinusoidalPositions(int32_t rows, int32_t width) {
  std::vector<float> table(static_cast<size_t>(rows) * static_cast<size_t>(width));
  const float step = static_cast<float>(-std::log(10000.0) / width);
  for (int32_t c = 0; c < width; c += 2) {
    const float frequency = std::exp(static_cast<float>(c) * step);
    for (int32_t t = 0; t < rows; ++t) {
      const float angle = static_cast<float>(t) * frequency;
      const size_t at =
          static_cast<size_t>(t) * static_cast<size_t>(width) + static_cast<size_t>(c);
      table[at] = std::sin(angle);
      if (c + 1 < width) table[at + 1] = std::cos(angle);
    }
  }
  return table;
}

WeightRef SinusoidalTable(PlanBuilder& b, int32_t rows, int32_t width) {
  const std::string name = "positions." + std::to_string(rows) + "x" + std::to_string(width);
  return b.Constant(name, rows, width, [=]() -> Result<std::vector<float>> {
    return SinusoidalPositions(rows, width);
  });
}

}  // namespace espalier
