// Whisper's convolution stem and Transformer encoder, on the Hugging Face folder's tensor names.
#include "runtime/model/families.h"
#include "runtime/model/layers.h"

namespace espalier {
namespace {

constexpr LayerStyle kStyle{
    .norm_epsilon = 1e-5f, .ffn_activation = Activation::kGelu, .key_bias = false};

TensorRef Layer(PlanBuilder& b, const EncoderConfig& config, const GateTable& gates, int index,
                TensorRef x) {
  const std::string slot = "layer" + std::to_string(index) + ".";
  const std::string tensor = "model.encoder.layers." + std::to_string(index) + ".";
  if (gates.IsOpen(index, "attn")) {
    const AttentionNames names = HuggingFaceAttention(tensor + "self_attn");
    const TensorRef normed =
        Normalize(b, slot + "attn.norm", x, tensor + "self_attn_layer_norm", kStyle);
    const TensorRef q = Project(b, slot + "attn.q", normed, names.query, config.width);
    const TensorRef k = Project(b, slot + "attn.k", normed, names.key, config.width, false);
    const TensorRef v = Project(b, slot + "attn.v", normed, names.value, config.width);
    const TensorRef mixed = b.AddSlot(slot + "attn.mixed", b.LengthOf(x), config.width);
    b.Add(AttentionOp{.query = q, .key = k, .value = v, .output = mixed, .heads = config.heads});
    x = ProjectOnto(b, slot + "attn", mixed, names.out, x, 1.0f,
                    index == 0 ? "enc_layer_0.attn" : "");
  }
  if (gates.IsOpen(index, "feed_forward")) {
    x = FeedForward(b, slot + "feed_forward", x,
                    {.norm = tensor + "final_layer_norm",
                     .first = tensor + "fc1",
                     .second = tensor + "fc2",
                     .tap = index == 0 ? "enc_layer_0.feed_forward" : ""},
                    config.ffn_units, 1.0f, kStyle);
  }
  return x;
}

}  // namespace

void BuildWhisperStem(PlanBuilder& b, const ModelConfig& config) {
  const int32_t width = config.encoder.width, mels = config.frontend.mel_count;
  const int32_t frames = b.AddLength("frames", SizesOf(config).frames);
  const int32_t steps = b.AddConvLength("steps", frames, 3, 2, 1);
  const TensorRef features = b.AddExternal("features", frames, mels);
  const TensorRef first = b.AddSlot("conv1", frames, width);
  b.Add(Conv1dOp{.input = features,
                 .weight = b.Matrix("model.encoder.conv1.weight", width, int64_t{mels} * 3),
                 .bias = b.Row("model.encoder.conv1.bias", width),
                 .output = first,
                 .stride = 1});
  const TensorRef second = b.AddSlot("conv2", steps, width);
  b.Add(Conv1dOp{.input = first,
                 .weight = b.Matrix("model.encoder.conv2.weight", width, int64_t{width} * 3),
                 .bias = b.Row("model.encoder.conv2.bias", width),
                 .output = second,
                 .stride = 2});
  b.Tap("subsampled", second);
  const TensorRef embedded = b.AddExternal("embedded", steps, width);
  b.Add(AddPositionsOp{
      .input = second,
      .table = b.Matrix("model.encoder.embed_positions.weight", config.encoder.max_steps, width),
      .output = embedded});
}

void BuildWhisperEncoder(PlanBuilder& b, const ModelConfig& config, const GateTable& gates) {
  const int32_t width = config.encoder.width;
  const int32_t steps = b.AddLength("steps", SizesOf(config).steps);
  TensorRef x = b.AddExternal("embedded", steps, width);
  for (int i = 0; i < config.encoder.layers; ++i) {
    x = Layer(b, config.encoder, gates, i, x);
    b.Tap("enc_layer_" + std::to_string(i), x);
  }
  const TensorRef out = b.AddExternal("enc_out", steps, width);
  b.Add(LayerNormOp{.input = x,
                    .gamma = b.Row("model.encoder.layer_norm.weight", width),
                    .beta = b.Row("model.encoder.layer_norm.bias", width),
                    .output = out,
                    .epsilon = kStyle.norm_epsilon});
}

}  // namespace espalier
