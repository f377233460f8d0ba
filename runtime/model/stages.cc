#include "runtime/model/stages.h"

#include "runtime/model/families.h"

namespace espalier {
namespace {

// Positions a decoder of sinusoids is built for beyond one token per encoder step: a primer and the
// text of the previous window.
constexpr int32_t kPromptPositions = 512;

const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kStem:
      return "stem";
    case Stage::kGates:
      return "gates";
    case Stage::kEncoder:
      return "encoder";
    case Stage::kCtc:
      return "ctc";
    case Stage::kSource:
      return "source";
    case Stage::kDecoder:
      return "decoder";
  }
  return "?";
}

int32_t ConvSteps(int32_t frames) { return (frames - 3) / 2 + 1; }

}  // namespace

StageSizes SizesOf(const ModelConfig& config) {
  StageSizes sizes;
  const FrontendConfig& frontend = config.frontend;
  if (config.family == ModelFamily::kWhisper) {
    sizes.frames = static_cast<int32_t>(config.whisper->chunk_length_s * frontend.sample_rate) /
                   frontend.hop_length;
    sizes.steps = (sizes.frames - 1) / 2 + 1;
    sizes.positions = config.decoder.max_positions;
    return sizes;
  }
  sizes.frames = static_cast<int32_t>(config.owsm->speech_length_s * frontend.sample_rate) /
                     frontend.hop_length +
                 1;
  sizes.steps = ConvSteps(ConvSteps(sizes.frames));
  if (config.encoder.subsampling == Subsampling::kConv2d8) sizes.steps = ConvSteps(sizes.steps);
  sizes.positions = sizes.steps + kPromptPositions;
  return sizes;
}

std::vector<int32_t> TokenColumns(const TokenSubset& tokens, int32_t vocabulary_size) {
  std::vector<int32_t> columns(static_cast<size_t>(vocabulary_size), -1);
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    columns[static_cast<size_t>(tokens.ids[i])] = static_cast<int32_t>(i);
  }
  return columns;
}

void BuildCtc(PlanBuilder& b, const ModelConfig& config) {
  const int32_t steps = b.AddLength("steps", SizesOf(config).steps);
  const TensorRef encoded = b.AddExternal("enc_out", steps, config.encoder.width);
  const TensorRef scores = b.AddExternal("ctc_logp", steps, config.vocabulary_size);
  b.Add(LinearOp{
      .input = encoded,
      .weight = b.Matrix("ctc.ctc_lo.weight", config.vocabulary_size, config.encoder.width),
      .bias = b.Row("ctc.ctc_lo.bias", config.vocabulary_size),
      .output = scores});
  b.Add(LogSoftmaxOp{.input = scores, .output = scores});
}

void BuildGates(PlanBuilder& b, const ModelConfig& config) {
  const GateConfig& gate = *config.gate;
  const std::string& predictor = gate.tensor_prefix;
  const int32_t width = config.encoder.width, context = gate.context_size;
  const auto outputs = static_cast<int32_t>(
      2 * (static_cast<size_t>(config.encoder.layers) * gate.encoder_modules.size() +
           static_cast<size_t>(config.decoder.layers) * gate.decoder_modules.size()));
  const int32_t steps = b.AddLength("steps", SizesOf(config).steps);
  const TensorRef embedded = b.AddExternal("embedded", steps, width);
  const TensorRef seen =
      b.AddFixedSlot("seen", 1, width + 2 * context);  // [mean ; language ; task]
  b.Add(MeanPoolOp{.input = embedded, .output = PlanBuilder::Columns(seen, 0, width)});
  b.Add(EmbedOp{.tokens = b.AddFixedExternal("gate_language", 1, 1, DType::kI32),
                .table = b.Matrix(predictor + ".language_embedding.weight",
                                  static_cast<int64_t>(gate.languages.size()), context),
                .output = PlanBuilder::Columns(seen, width, context)});
  b.Add(EmbedOp{.tokens = b.AddFixedExternal("gate_task", 1, 1, DType::kI32),
                .table = b.Matrix(predictor + ".task_embedding.weight",
                                  static_cast<int64_t>(gate.tasks.size()), context),
                .output = PlanBuilder::Columns(seen, width + context, context)});
  const TensorRef hidden = b.AddFixedSlot("hidden", 1, gate.hidden_size);
  b.Add(LinearOp{
      .input = seen,
      .weight = b.Matrix(predictor + ".mlp.0.weight", gate.hidden_size, width + 2 * context),
      .bias = b.Row(predictor + ".mlp.0.bias", gate.hidden_size),
      .output = hidden,
      .activation = Activation::kRelu});
  b.Add(LinearOp{.input = hidden,
                 .weight = b.Matrix(predictor + ".mlp.2.weight", outputs, gate.hidden_size),
                 .bias = b.Row(predictor + ".mlp.2.bias", outputs),
                 .output = b.AddFixedExternal("gate_logits", 1, outputs)});
}

Result<std::shared_ptr<const Plan>> BuildStage(Stage stage, const ModelConfig& config,
                                               std::shared_ptr<const Weights> weights,
                                               const StageOptions& options) {
  const bool scores_ctc = stage == Stage::kDecoder && options.ctc_candidates > 0;
  if (scores_ctc && !config.has_ctc) {
    return Unsupported(config.name + ": this model has no CTC layer");
  }
  if ((stage == Stage::kGates && !config.gate) || (stage == Stage::kCtc && !config.has_ctc)) {
    return Unsupported(config.name + ": this model has no " + StageName(stage) + " stage");
  }
  PlanBuilder b(StageName(stage), std::move(weights), options.taps);
  const bool owsm = config.family == ModelFamily::kOwsm;
  switch (stage) {
    case Stage::kStem:
      owsm ? BuildOwsmStem(b, config) : BuildWhisperStem(b, config);
      break;
    case Stage::kGates:
      BuildGates(b, config);
      break;
    case Stage::kEncoder:
      owsm ? BuildOwsmEncoder(b, config, options.gates.encoder)
           : BuildWhisperEncoder(b, config, options.gates.encoder);
      break;
    case Stage::kCtc:
      BuildCtc(b, config);
      break;
    case Stage::kSource:
      BuildSource(b, config, options.gates.decoder);
      break;
    case Stage::kDecoder:
      BuildDecoder(b, config, options);
      break;
  }
  return b.Finish();
}

}  // namespace espalier
