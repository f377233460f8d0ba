// The Transformer decoder of both families (spec §7): source keys and values once per window, then
// steps over a key/value cache.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "runtime/model/alignment.h"
#include "runtime/model/families.h"
#include "runtime/model/layers.h"

namespace espalier {
namespace {

// The tensor names of one family's decoder.
class DecoderNames {
 public:
  explicit DecoderNames(const ModelConfig& config)
      : owsm_(config.family == ModelFamily::kOwsm),
        style_{.norm_epsilon = owsm_ ? 1e-12f : 1e-5f,
               .ffn_activation = owsm_ ? Activation::kRelu : Activation::kGelu,
               .key_bias = owsm_} {}

  const LayerStyle& style() const { return style_; }
  std::string Layer(int i) const {
    return (owsm_ ? "decoder.decoders." : "model.decoder.layers.") + std::to_string(i) + ".";
  }
  AttentionNames SelfAttention(int i) const {
    return owsm_ ? EspnetAttention(Layer(i) + "self_attn")
                 : HuggingFaceAttention(Layer(i) + "self_attn");
  }
  AttentionNames SourceAttention(int i) const {
    return owsm_ ? EspnetAttention(Layer(i) + "src_attn")
                 : HuggingFaceAttention(Layer(i) + "encoder_attn");
  }
  std::string SelfNorm(int i) const {
    return Layer(i) + (owsm_ ? "norm1" : "self_attn_layer_norm");
  }
  std::string SourceNorm(int i) const {
    return Layer(i) + (owsm_ ? "norm2" : "encoder_attn_layer_norm");
  }
  FeedForwardNames FeedForward(int i) const {
    if (owsm_) {
      return {Layer(i) + "norm3", Layer(i) + "feed_forward.w_1", Layer(i) + "feed_forward.w_2", ""};
    }
    return {Layer(i) + "final_layer_norm", Layer(i) + "fc1", Layer(i) + "fc2", ""};
  }
  std::string Embedding() const {
    return owsm_ ? "decoder.embed.0.weight" : "model.decoder.embed_tokens.weight";
  }
  std::string FinalNorm() const {
    return owsm_ ? "decoder.after_norm" : "model.decoder.layer_norm";
  }

 private:
  bool owsm_;
  LayerStyle style_;
};

std::string LayerSlot(const char* name, int layer) {
  return std::string(name) + "." + std::to_string(layer);
}

// What keys and values are stored as from step to step: f16 where the weights they come from have
// lost more than that to rounding, which halves what a step reads of them.
DType MemoryType(const PlanBuilder& b, const AttentionNames& tensors, const ModelConfig& config) {
  const int32_t head_width = config.decoder.width / config.decoder.heads;
  return b.weights().IsRounded(tensors.key + ".weight") && head_width % 2 == 0 ? DType::kF16
                                                                               : DType::kF32;
}

// Rows of one decoder run: a whole prompt, or a token per hypothesis.
struct StepInputs {
  int32_t rows = -1;  // length index
  TensorRef tokens, positions, lanes, history;
};

StepInputs AddStepInputs(PlanBuilder& b, const StageSizes& sizes, int32_t lane_count) {
  StepInputs in;
  in.rows = b.AddLength("rows", std::max(sizes.positions, lane_count));
  in.tokens = b.AddExternal("tokens", in.rows, 1, DType::kI32);
  in.positions = b.AddExternal("token_positions", in.rows, 1, DType::kI32);
  in.lanes = b.AddExternal("lanes", in.rows, 1, DType::kI32);
  in.history = b.AddFixedExternal("history", lane_count, sizes.positions, DType::kI32);
  return in;
}

TensorRef SelfAttention(PlanBuilder& b, const DecoderNames& names, const ModelConfig& config,
                        const StepInputs& in, const StageSizes& sizes, int32_t lane_count,
                        int layer, const TensorRef& x) {
  const int32_t width = config.decoder.width;
  const AttentionNames tensors = names.SelfAttention(layer);
  const std::string slot = LayerSlot("self", layer);
  const TensorRef normed = Normalize(b, slot + ".norm", x, names.SelfNorm(layer), names.style());
  const TensorRef q = Project(b, slot + ".q", normed, tensors.query, width);
  const TensorRef k = Project(b, slot + ".k", normed, tensors.key, width, names.style().key_bias);
  const TensorRef v = Project(b, slot + ".v", normed, tensors.value, width);
  const int32_t cache_rows = sizes.positions * lane_count;
  const DType stored = MemoryType(b, tensors, config);
  const TensorRef mixed = b.AddSlot(slot + ".mixed", in.rows, width);
  b.Add(CachedAttentionOp{
      .query = q,
      .key = k,
      .value = v,
      .key_cache = b.AddFixedExternal(LayerSlot("self_key", layer), cache_rows, width, stored),
      .value_cache = b.AddFixedExternal(LayerSlot("self_value", layer), cache_rows, width, stored),
      .positions = in.positions,
      .lanes = in.lanes,
      .history = in.history,
      .output = mixed,
      .heads = config.decoder.heads,
      .lane_count = lane_count,
      .position_count = sizes.positions});
  return ProjectOnto(b, slot, mixed, tensors.out, x, 1.0f, "");
}

// The mean of the alignment heads' weights, (rows, steps); `output` is absent when nobody asks.
struct AlignmentOutput {
  TensorRef output = {};
  std::vector<std::pair<int, int>> heads = {};
};

AlignmentOutput AddAlignment(PlanBuilder& b, const ModelConfig& config, const StepInputs& in,
                             const StageSizes& sizes, const StageOptions& options) {
  if (!options.alignment) return {};
  AlignmentOutput alignment{
      .heads = AlignmentHeads(config, options.gates.decoder, options.alignment_heads)};
  if (!alignment.heads.empty()) alignment.output = b.AddExternal("alignment", in.rows, sizes.steps);
  return alignment;
}

void AlignLayer(PlanBuilder& b, const AlignmentOutput& alignment, int layer, const TensorRef& query,
                const TensorRef& key, int32_t head_width) {
  for (size_t i = 0; i < alignment.heads.size(); ++i) {
    const auto [head_layer, head] = alignment.heads[i];
    if (head_layer != layer) continue;
    b.Add(AttentionWeightsOp{.query = PlanBuilder::Columns(query, head * head_width, head_width),
                             .key = PlanBuilder::Columns(key, head * head_width, head_width),
                             .weights = alignment.output,
                             .scale = 1.0f / static_cast<float>(alignment.heads.size()),
                             .accumulate = i > 0});
  }
}

TensorRef SourceAttention(PlanBuilder& b, const DecoderNames& names, const ModelConfig& config,
                          int32_t steps, int layer, const AlignmentOutput& alignment,
                          const TensorRef& x) {
  const int32_t width = config.decoder.width;
  const std::string slot = LayerSlot("source", layer);
  const AttentionNames tensors = names.SourceAttention(layer);
  const TensorRef normed = Normalize(b, slot + ".norm", x, names.SourceNorm(layer), names.style());
  const TensorRef q = Project(b, slot + ".q", normed, tensors.query, width);
  const TensorRef mixed = b.AddSlot(slot + ".mixed", b.LengthOf(x), width);
  const DType stored = MemoryType(b, tensors, config);
  const TensorRef key = b.AddExternal(LayerSlot("source_key", layer), steps, width, stored);
  AlignLayer(b, alignment, layer, q, key, width / config.decoder.heads);
  b.Add(AttentionOp{.query = q,
                    .key = key,
                    .value = b.AddExternal(LayerSlot("source_value", layer), steps, width, stored),
                    .output = mixed,
                    .heads = config.decoder.heads});
  return ProjectOnto(b, slot, mixed, tensors.out, x, 1.0f, "");
}

TensorRef EmbedTokens(PlanBuilder& b, const DecoderNames& names, const ModelConfig& config,
                      const StepInputs& in, const StageSizes& sizes) {
  const int32_t width = config.decoder.width;
  const TensorRef x = b.AddSlot("embedded_tokens", in.rows, width);
  const bool learned = config.decoder.max_positions > 0;
  const WeightRef positions = learned ? b.Matrix("model.decoder.embed_positions.weight",
                                                 config.decoder.max_positions, width)
                                      : SinusoidalTable(b, sizes.positions, width);
  b.Add(EmbedOp{.tokens = in.tokens,
                .positions = in.positions,
                .table = b.Matrix(names.Embedding(), config.vocabulary_size, width),
                .position_table = positions,
                .output = x,
                .scale = learned ? 1.0f : std::sqrt(static_cast<float>(width))});
  return x;
}

// The output layer's weight and bias (tied to the embedding in Whisper, and without a bias), or
// their rows of a subset of the tokens.
struct OutputLayer {
  WeightRef weight, bias;
};

OutputLayer OutputLayerOf(PlanBuilder& b, const DecoderNames& names, const ModelConfig& config,
                          const std::shared_ptr<const TokenSubset>& tokens) {
  const bool owsm = config.family == ModelFamily::kOwsm;
  const int32_t vocabulary = config.vocabulary_size;
  const std::string bias = "decoder.output_layer.bias";
  const OutputLayer whole = {b.Matrix(owsm ? "decoder.output_layer.weight" : names.Embedding(),
                                      vocabulary, config.decoder.width),
                             owsm ? b.Row(bias, vocabulary) : WeightRef{}};
  if (tokens == nullptr) return whole;
  OutputLayer part;
  part.weight = b.SelectRows(whole.weight, tokens->name, {tokens, &tokens->ids});
  if (!whole.bias.present()) return part;
  part.bias = b.Constant(bias + "[" + tokens->name + "]", 1, std::ssize(tokens->ids),
                         [&]() -> Result<std::vector<float>> {
                           const std::vector<float> all = b.Values(whole.bias);
                           std::vector<float> values;
                           for (const int32_t id : tokens->ids) {
                             values.push_back(all[static_cast<size_t>(id)]);
                           }
                           return values;
                         });
  return part;
}

// after_norm, the rows whose logits are wanted, the output layer, and the choices of those rows:
// (logit_rows, 2·ChoiceCount).
TensorRef AddOutput(PlanBuilder& b, const DecoderNames& names, const ModelConfig& config,
                    const StageOptions& options, const TensorRef& x, int32_t max_logit_rows) {
  const int32_t width = config.decoder.width, vocabulary = config.vocabulary_size;
  const int32_t logit_rows = b.AddLength("logit_rows", max_logit_rows);
  const TensorRef wanted = b.AddSlot("wanted", logit_rows, width);
  b.Add(GatherRowsOp{.input = x,
                     .indices = b.AddExternal("logit_indices", logit_rows, 1, DType::kI32),
                     .output = wanted});
  const TensorRef normed = Normalize(b, "after_norm", wanted, names.FinalNorm(), names.style());
  const OutputLayer layer = OutputLayerOf(b, names, config, options.tokens);
  const bool whole = options.tokens == nullptr;
  const int32_t scored = whole ? vocabulary : static_cast<int32_t>(options.tokens->ids.size());
  const TensorRef logits = b.AddSlot("logits", logit_rows, scored);
  b.Add(LinearOp{.input = normed, .weight = layer.weight, .bias = layer.bias, .output = logits});
  b.Tap("dec_logits", logits);
  const TensorRef log_probs = b.AddExternal("log_probs", logit_rows, vocabulary);
  const TensorRef scores = whole ? log_probs : b.AddSlot("scores", logit_rows, scored);
  b.Add(LogSoftmaxOp{.input = logits, .output = scores});
  if (!whole) {
    b.Add(
        GatherColumnsOp{.input = scores,
                        .indices = b.AddFixedExternal("token_columns", 1, vocabulary, DType::kI32),
                        .output = log_probs});
  }
  const TokenSplit split = TokenSplitOf(config);
  const int32_t choices = 2 * ChoiceCount(options.lane_count);
  const TensorRef tokens = b.AddExternal("choice_tokens", logit_rows, choices, DType::kI32);
  b.Add(TopTokensOp{
      .log_probs = log_probs,
      .allowed = b.AddExternal("allowed", logit_rows, (vocabulary + 31) / 32, DType::kI32),
      .tokens = tokens,
      .scores = b.AddExternal("choice_scores", logit_rows, choices + 3),
      .split_begin = split.times_begin,
      .split_end = split.times_end,
      .watched = split.end_token});
  return tokens;
}

// CTC prefix scores of the likeliest choices: times are forbidden where CTC is asked.
void AddCtcScores(PlanBuilder& b, const ModelConfig& config, const StageOptions& options,
                  int32_t steps, const TensorRef& choices) {
  const int32_t rows = b.LengthOf(choices);
  b.Add(CtcPrefixScoreOp{
      .log_probs = b.AddExternal("ctc_logp", steps, config.vocabulary_size),
      .tokens = PlanBuilder::Columns(choices, 0, options.ctc_candidates),
      .hypotheses = b.AddExternal("ctc_hypotheses", rows, kCtcHypothesisColumns, DType::kI32),
      .state = b.AddFixedExternal("ctc_state", 2 * b.MaxOf(steps),
                                  CtcStateCount(options.lane_count, options.ctc_candidates)),
      .scores = b.AddExternal("ctc_scores", rows, options.ctc_candidates + 1),
      .blank = config.owsm->blank_id,
      .eos = config.owsm->eos_id});
}

}  // namespace

TokenSplit TokenSplitOf(const ModelConfig& config) {
  if (config.family == ModelFamily::kWhisper) {
    return {config.whisper->first_time_id, config.vocabulary_size, config.whisper->eot_id};
  }
  return {config.owsm->first_time_id, config.owsm->last_time_id + 1, config.owsm->eos_id};
}

void BuildSource(PlanBuilder& b, const ModelConfig& config, const GateTable& gates) {
  const DecoderNames names(config);
  const int32_t width = config.decoder.width;
  const int32_t steps = b.AddLength("steps", SizesOf(config).steps);
  const TensorRef encoded = b.AddExternal("enc_out", steps, config.encoder.width);
  for (int i = 0; i < config.decoder.layers; ++i) {
    if (!gates.IsOpen(i, "src_attn")) continue;
    const AttentionNames tensors = names.SourceAttention(i);
    const bool key_bias = names.style().key_bias;
    const DType stored = MemoryType(b, tensors, config);
    b.Add(LinearOp{.input = encoded,
                   .weight = b.Matrix(tensors.key + ".weight", width, config.encoder.width),
                   .bias = key_bias ? b.Row(tensors.key + ".bias", width) : WeightRef{},
                   .output = b.AddExternal(LayerSlot("source_key", i), steps, width, stored)});
    b.Add(LinearOp{.input = encoded,
                   .weight = b.Matrix(tensors.value + ".weight", width, config.encoder.width),
                   .bias = b.Row(tensors.value + ".bias", width),
                   .output = b.AddExternal(LayerSlot("source_value", i), steps, width, stored)});
  }
}

void BuildDecoder(PlanBuilder& b, const ModelConfig& config, const StageOptions& options) {
  const DecoderNames names(config);
  const StageSizes sizes = SizesOf(config);
  const GateTable& gates = options.gates.decoder;
  const StepInputs in = AddStepInputs(b, sizes, options.lane_count);
  const int32_t steps = b.AddLength("steps", sizes.steps);
  const AlignmentOutput alignment = AddAlignment(b, config, in, sizes, options);
  TensorRef x = EmbedTokens(b, names, config, in, sizes);
  for (int i = 0; i < config.decoder.layers; ++i) {
    if (gates.IsOpen(i, "self_attn")) {
      x = SelfAttention(b, names, config, in, sizes, options.lane_count, i, x);
    }
    if (gates.IsOpen(i, "src_attn")) {
      x = SourceAttention(b, names, config, steps, i, alignment, x);
    }
    if (gates.IsOpen(i, "feed_forward")) {
      x = FeedForward(b, LayerSlot("feed_forward", i), x, names.FeedForward(i),
                      config.decoder.ffn_units, 1.0f, names.style());
    }
    b.Tap("dec_layer_" + std::to_string(i), x);
  }
  const int32_t logit_rows =
      options.all_logits ? b.MaxOf(in.rows) : std::max(options.lane_count, 2);
  const TensorRef choices = AddOutput(b, names, config, options, x, logit_rows);
  if (options.ctc_candidates > 0) AddCtcScores(b, config, options, steps, choices);
}

}  // namespace espalier
