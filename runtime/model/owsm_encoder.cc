// OWSM's subsampling and E-Branchformer layers (spec §3.5, §4, §5) with gates (§11.4).
#include <cmath>

#include "runtime/model/families.h"
#include "runtime/model/layers.h"

namespace espalier {
namespace {

constexpr LayerStyle kStyle{.norm_epsilon = 1e-12f, .ffn_activation = Activation::kSwish};

// Global mean/variance normalisation: x/std - mean/std (spec §3.5).
TensorRef NormalizeFeatures(PlanBuilder& b, const TensorRef& features) {
  const int32_t mels = features.column_count;
  const WeightRef mean = b.Row("normalize.mean", mels);
  const WeightRef deviation = b.Row("normalize.std", mels);
  const std::vector<float> means = b.Values(mean), deviations = b.Values(deviation);
  const WeightRef scale =
      b.Constant("normalize.scale", 1, mels, [&]() -> Result<std::vector<float>> {
        std::vector<float> values(deviations);
        for (float& v : values) v = 1.0f / v;
        return values;
      });
  const WeightRef shift =
      b.Constant("normalize.shift", 1, mels, [&]() -> Result<std::vector<float>> {
        std::vector<float> values(means);
        for (size_t i = 0; i < values.size() && i < deviations.size(); ++i)
          values[i] /= -deviations[i];
        return values;
      });
  const TensorRef y = b.AddSlot("normalized", b.LengthOf(features), mels);
  b.Add(ColumnAffineOp{.input = features, .scale = scale, .shift = shift, .output = y});
  return y;
}

// The projection after the convolutions, its columns moved from ESPnet's channel-major order
// (c·F' + f) to the channel-fastest order in which Conv2dRelu writes (f·C + c).
WeightRef ChannelFastest(PlanBuilder& b, const std::string& tensor, int32_t width, int32_t channels,
                         int32_t frequencies) {
  const int64_t columns = int64_t{channels} * frequencies;
  return b.Constant(
      tensor + ".channel_fastest", width, columns, [&]() -> Result<std::vector<float>> {
        ESP_ASSIGN_OR_RETURN(const Weight whole, b.weights().Matrix(tensor, width, columns));
        const std::vector<float> from = Weights::Values(whole);
        std::vector<float> to(from.size());
        for (int64_t row = 0; row < width; ++row) {
          for (int64_t c = 0; c < channels; ++c) {
            for (int64_t f = 0; f < frequencies; ++f) {
              to[static_cast<size_t>(row * columns + f * channels + c)] =
                  from[static_cast<size_t>(row * columns + c * frequencies + f)];
            }
          }
        }
        return to;
      });
}

class Layer {
 public:
  Layer(PlanBuilder& b, const ModelConfig& config, const GateTable& gates, int index)
      : b_(b),
        config_(config.encoder),
        gates_(gates),
        index_(index),
        slot_("layer" + std::to_string(index) + "."),
        tensor_("encoder.encoders." + std::to_string(index) + ".") {}

  TensorRef Build(TensorRef x) {
    const float half = config_.macaron ? 0.5f : 1.0f;
    if (config_.macaron && Open("feed_forward_macaron")) {
      x = HalfStep("feed_forward_macaron", "norm_ff_macaron", x, half);
    }
    x = Merge(x);
    if (Open("feed_forward")) x = HalfStep("feed_forward", "norm_ff", x, half);
    return Normalize(b_, slot_ + "out", x, tensor_ + "norm_final", kStyle);
  }

 private:
  bool Open(std::string_view module) const { return gates_.IsOpen(index_, module); }
  // Module outputs are dumped for layer 0 only, as the goldens have them.
  std::string TapName(const std::string& module) const {
    return index_ == 0 ? "enc_layer_0." + module : "";
  }

  TensorRef HalfStep(const std::string& module, const std::string& norm, const TensorRef& x,
                     float scale) {
    return FeedForward(b_, slot_ + module, x,
                       {.norm = tensor_ + norm,
                        .first = tensor_ + module + ".w_1",
                        .second = tensor_ + module + ".w_2",
                        .tap = TapName(module)},
                       config_.ffn_units, scale, kStyle);
  }

  void Attention(const TensorRef& x, const TensorRef& out) {
    const AttentionNames names = EspnetAttention(tensor_ + "attn");
    const TensorRef normed = Normalize(b_, slot_ + "attn.norm", x, tensor_ + "norm_mha", kStyle);
    const TensorRef q = Project(b_, slot_ + "attn.q", normed, names.query, config_.width);
    const TensorRef k = Project(b_, slot_ + "attn.k", normed, names.key, config_.width);
    const TensorRef v = Project(b_, slot_ + "attn.v", normed, names.value, config_.width);
    const TensorRef mixed = b_.AddSlot(slot_ + "attn.mixed", b_.LengthOf(x), config_.width);
    b_.Add(AttentionOp{.query = q, .key = k, .value = v, .output = mixed, .heads = config_.heads});
    ProjectInto(mixed, names.out, out);
    if (index_ == 0) b_.Tap("enc_layer_0.attn", out);
  }

  // channel_proj2(r ⊙ DWConv(LN(g))), [r ; g] = GELU(channel_proj1(LN x))
  void Cgmlp(const TensorRef& x, const TensorRef& out) {
    const int32_t half = config_.cgmlp_units / 2;
    const TensorRef normed = Normalize(b_, slot_ + "cgmlp.norm", x, tensor_ + "norm_mlp", kStyle);
    const TensorRef z = Project(b_, slot_ + "cgmlp.z", normed, tensor_ + "cgmlp.channel_proj1.0",
                                config_.cgmlp_units, true, Activation::kGelu);
    const TensorRef g = Normalize(b_, slot_ + "cgmlp.g", PlanBuilder::Columns(z, half, half),
                                  tensor_ + "cgmlp.csgu.norm", kStyle);
    const TensorRef gated = b_.AddSlot(slot_ + "cgmlp.gated", b_.LengthOf(x), half);
    b_.Add(DepthwiseConvOp{
        .input = g,
        .weight = b_.Matrix(tensor_ + "cgmlp.csgu.conv.weight", half, config_.cgmlp_kernel),
        .bias = b_.Row(tensor_ + "cgmlp.csgu.conv.bias", half),
        .output = gated,
        .multiplier = PlanBuilder::Columns(z, 0, half)});
    ProjectInto(gated, tensor_ + "cgmlp.channel_proj2", out);
    if (index_ == 0) b_.Tap("enc_layer_0.cgmlp", out);
  }

  void ProjectInto(const TensorRef& input, const std::string& tensor, const TensorRef& out) {
    b_.Add(LinearOp{.input = input,
                    .weight = b_.Matrix(tensor + ".weight", out.column_count, input.column_count),
                    .bias = b_.Row(tensor + ".bias", out.column_count),
                    .output = out});
  }

  // x + merge_proj(u + DWConv(u)), u = [attention ; cgMLP]; closed halves fold into the bias.
  TensorRef Merge(const TensorRef& x) {
    const int32_t width = config_.width;
    const bool attention = Open("attn"), cgmlp = Open("cgmlp");
    const int32_t halves = int32_t{attention} + int32_t{cgmlp};
    if (halves == 0) return MergeConstant(x);
    const TensorRef u = b_.AddSlot(slot_ + "merge.u", b_.LengthOf(x), halves * width);
    if (attention) Attention(x, PlanBuilder::Columns(u, 0, width));
    if (cgmlp) Cgmlp(x, PlanBuilder::Columns(u, (halves - 1) * width, width));

    const int32_t begin = attention ? 0 : width;  // the first open channel of the 2·width
    const int32_t count = halves * width;
    const WeightRef conv = b_.Part(FusionWeight(), begin, count, 0, config_.merge_kernel);
    const WeightRef conv_bias = b_.Part(FusionBias(), 0, 1, begin, count);
    const TensorRef mixed = b_.AddSlot(slot_ + "merge.mixed", b_.LengthOf(x), count);
    b_.Add(DepthwiseConvOp{
        .input = u, .weight = conv, .bias = conv_bias, .output = mixed, .add_input = true});
    const TensorRef y = b_.AddSlot(slot_ + "merge", b_.LengthOf(x), width);
    b_.Add(LinearOp{.input = mixed,
                    .weight = b_.Part(MergeWeight(), 0, width, begin, count),
                    .bias = halves == 2 ? MergeBias() : FoldedBias(attention, cgmlp),
                    .output = y,
                    .residual = x});
    return y;
  }

  TensorRef MergeConstant(const TensorRef& x) {
    const TensorRef y = b_.AddSlot(slot_ + "merge", b_.LengthOf(x), config_.width);
    b_.Add(ColumnAffineOp{.input = x, .shift = FoldedBias(false, false), .output = y});
    return y;
  }

  WeightRef FusionWeight() {
    return b_.Matrix(tensor_ + "depthwise_conv_fusion.weight", 2 * config_.width,
                     config_.merge_kernel);
  }
  WeightRef FusionBias() {
    return b_.Row(tensor_ + "depthwise_conv_fusion.bias", 2 * config_.width);
  }
  WeightRef MergeWeight() {
    return b_.Matrix(tensor_ + "merge_proj.weight", config_.width, 2 * config_.width);
  }
  WeightRef MergeBias() { return b_.Row(tensor_ + "merge_proj.bias", config_.width); }

  // merge_proj's bias plus what the convolution's bias contributes through the closed halves: a
  // zero input makes DWConv its bias (spec §11.4).
  WeightRef FoldedBias(bool attention_open, bool cgmlp_open) {
    const auto width = static_cast<size_t>(config_.width);
    const std::string name = tensor_ + "merge_proj.bias.folded." + (attention_open ? "1" : "0") +
                             (cgmlp_open ? "1" : "0");
    return b_.Constant(name, 1, config_.width, [&]() -> Result<std::vector<float>> {
      std::vector<float> bias = b_.Values(MergeBias());
      const std::vector<float> weight = b_.Values(MergeWeight());
      const std::vector<float> constant = b_.Values(FusionBias());
      if (bias.empty() || weight.empty() || constant.empty()) return bias;  // an error is pending
      const size_t begin = attention_open ? width : 0;
      const size_t end = cgmlp_open ? width : 2 * width;
      for (size_t row = 0; row < width; ++row) {
        double sum = bias[row];
        for (size_t c = begin; c < end; ++c) {
          sum += double{weight[row * 2 * width + c]} * double{constant[c]};
        }
        bias[row] = static_cast<float>(sum);
      }
      return bias;
    });
  }

  PlanBuilder& b_;
  const EncoderConfig& config_;
  const GateTable& gates_;
  const int index_;
  const std::string slot_;
  const std::string tensor_;
};

}  // namespace

void BuildOwsmStem(PlanBuilder& b, const ModelConfig& config) {
  const EncoderConfig& encoder = config.encoder;
  const bool by_eight = encoder.subsampling == Subsampling::kConv2d8;
  const int32_t frames = b.AddLength("frames", SizesOf(config).frames);
  const TensorRef features = b.AddExternal("features", frames, config.frontend.mel_count);
  TensorRef x = NormalizeFeatures(b, features);
  int32_t length = frames, frequencies = config.frontend.mel_count, channels = 1;
  for (int i = 0; i < (by_eight ? 3 : 2); ++i) {
    const std::string tensor = "encoder.embed.conv." + std::to_string(2 * i);
    length = b.AddConvLength("conv" + std::to_string(i), length, 3, 2, 0);
    const int32_t out_frequencies = (frequencies - 3) / 2 + 1;
    const TensorRef y =
        b.AddSlot("conv" + std::to_string(i), length, out_frequencies * encoder.width);
    b.Add(Conv2dReluOp{.input = x,
                       .weight = b.Matrix(tensor + ".weight", encoder.width, int64_t{channels} * 9),
                       .bias = b.Row(tensor + ".bias", encoder.width),
                       .output = y,
                       .in_channels = channels,
                       .in_frequencies = frequencies,
                       .out_channels = encoder.width,
                       .out_frequencies = out_frequencies});
    x = y;
    channels = encoder.width;
    frequencies = out_frequencies;
  }
  const std::string out = by_eight ? "encoder.embed.out" : "encoder.embed.out.0";
  const TensorRef projected = b.AddSlot("subsampled", length, encoder.width);
  b.Add(LinearOp{.input = x,
                 .weight = ChannelFastest(b, out + ".weight", encoder.width, channels, frequencies),
                 .bias = b.Row(out + ".bias", encoder.width),
                 .output = projected});
  b.Tap("subsampled", projected);
  const TensorRef embedded = b.AddExternal("embedded", length, encoder.width);
  b.Add(AddPositionsOp{.input = projected,
                       .table = SinusoidalTable(b, b.MaxOf(length), encoder.width),
                       .output = embedded,
                       .scale = std::sqrt(static_cast<float>(encoder.width))});
}

void BuildOwsmEncoder(PlanBuilder& b, const ModelConfig& config, const GateTable& gates) {
  const int32_t steps = b.AddLength("steps", SizesOf(config).steps);
  TensorRef x = b.AddExternal("embedded", steps, config.encoder.width);
  for (int i = 0; i < config.encoder.layers; ++i) {
    x = Layer(b, config, gates, i).Build(x);
    b.Tap("enc_layer_" + std::to_string(i), x);
  }
  const TensorRef out = b.AddExternal("enc_out", steps, config.encoder.width);
  b.Add(LayerNormOp{.input = x,
                    .gamma = b.Row("encoder.after_norm.weight", config.encoder.width),
                    .beta = b.Row("encoder.after_norm.bias", config.encoder.width),
                    .output = out,
                    .epsilon = kStyle.norm_epsilon});
}

}  // namespace espalier
