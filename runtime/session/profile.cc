#include "runtime/session/profile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "runtime/base/clock.h"
#include "runtime/session/inference.h"
#include "runtime/session/window.h"

namespace espalier {
namespace {

constexpr double kLengths[] = {0.1, 1.0 / 3, 1.0};  // of the model's window
constexpr int kPromptTokens = 4;
constexpr double kTokensPerSecond = 3;

// What one run took.
struct Sample {
  double stem_s = 0, encode_s = 0, step_s = 0, gates_s = 0;
};

enum class Kind { kOpen, kEncoder, kDecoder };

// A mask with an Inference of its own, so that nothing is bound again between rounds.
struct Variant {
  Kind kind = Kind::kOpen;
  size_t module = 0;  // closed in all layers
  GateMask mask;
  std::unique_ptr<Inference> inference;
  std::vector<Sample> samples;
};

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Median over the rounds of `part` of `open`, less that of `closed` where there is one.
double MedianOf(const Variant& open, const Variant* closed, double Sample::*part) {
  std::vector<double> values;
  for (size_t i = 0; i < open.samples.size(); ++i) {
    values.push_back(open.samples[i].*part - (closed != nullptr ? closed->samples[i].*part : 0.0));
  }
  return Median(std::move(values));
}

GateMask CloseEverywhere(const ModelConfig& config, bool encoder, size_t module) {
  GateMask mask = AllOpen(config);
  GateTable& table = encoder ? mask.encoder : mask.decoder;
  for (size_t i = module; i < table.open.size(); i += table.modules.size()) table.open[i] = 0;
  return mask;
}

class WindowProfiler {
 public:
  WindowProfiler(std::shared_ptr<Engine> engine, const ProfileOptions& options, double input_s,
                 const std::stop_token& stop)
      : engine_(std::move(engine)), options_(options), input_s_(input_s), stop_(stop) {
    const FrontendConfig& frontend = engine_->config().frontend;
    const auto frames =
        std::min<int64_t>(SizesOf(engine_->config()).frames,
                          std::llround(input_s * frontend.sample_rate / frontend.hop_length));
    features_.resize(static_cast<size_t>(frames * frontend.mel_count));
    std::mt19937 generator(1);
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    for (float& value : features_) value = uniform(generator);
    AddVariant(Kind::kOpen, 0);
    const GateMask open = AllOpen(engine_->config());
    for (size_t m = 0; m < open.encoder.modules.size(); ++m) AddVariant(Kind::kEncoder, m);
    for (size_t m = 0; m < open.decoder.modules.size(); ++m) AddVariant(Kind::kDecoder, m);
  }

  // The first round warms up and is thrown away.
  Status Run(FunctionRef<void(double)> on_progress) {
    for (int round = 0; round <= options_.rounds; ++round) {
      for (Variant& variant : variants_) {
        ESP_ASSIGN_OR_RETURN(const Sample sample, Measure(variant, round == 0));
        if (round > 0) variant.samples.push_back(sample);
      }
      on_progress(static_cast<double>(round + 1) / (options_.rounds + 1));
    }
    return OkStatus();
  }

  WindowCost Cost() const {
    const Variant& open = variants_.front();
    const GateMask& shape = open.mask;
    WindowCost cost{.input_s = input_s_,
                    .features_s = FeatureSeconds(),
                    .stem_s = MedianOf(open, nullptr, &Sample::stem_s),
                    .gates_s = MedianOf(open, nullptr, &Sample::gates_s),
                    .encoder = EmptyStack(shape.encoder),
                    .source = EmptyStack(shape.decoder),
                    .decoder_step = EmptyStack(shape.decoder)};
    for (const Variant& closed : variants_) {
      if (closed.kind == Kind::kEncoder) {
        Spread(MedianOf(open, &closed, &Sample::encode_s), closed.module, &cost.encoder);
      } else if (closed.kind == Kind::kDecoder) {
        Spread(MedianOf(open, &closed, &Sample::step_s), closed.module, &cost.decoder_step);
        if (IsSource(closed)) {
          Spread(MedianOf(open, &closed, &Sample::encode_s), closed.module, &cost.source);
        }
      }
    }
    // What is left of the whole is what no gate closes.
    double encode = MedianOf(open, nullptr, &Sample::encode_s);
    double step = MedianOf(open, nullptr, &Sample::step_s);
    for (const double seconds : cost.encoder.seconds) encode -= seconds;
    for (const double seconds : cost.source.seconds) encode -= seconds;
    for (const double seconds : cost.decoder_step.seconds) step -= seconds;
    cost.encoder.rest_s = std::max(0.0, encode);
    cost.decoder_step.rest_s = std::max(0.0, step);
    return cost;
  }

 private:
  void AddVariant(Kind kind, size_t module) {
    const ModelConfig& config = engine_->config();
    Variant variant{.kind = kind,
                    .module = module,
                    .mask = kind == Kind::kOpen
                                ? AllOpen(config)
                                : CloseEverywhere(config, kind == Kind::kEncoder, module),
                    .inference = std::make_unique<Inference>(engine_, InferenceOptions{}),
                    .samples = {}};
    variant.inference->set_stop(stop_);
    variants_.push_back(std::move(variant));
  }

  bool IsSource(const Variant& variant) const {
    return variant.kind == Kind::kDecoder &&
           variant.mask.decoder.modules[variant.module] == "src_attn";
  }

  static StackCost EmptyStack(const GateTable& shape) {
    return {.modules = shape.modules,
            .layers = shape.layers,
            .seconds = std::vector<double>(shape.open.size()),
            .rest_s = 0};
  }

  // Noise of the clock must not become a module that costs less than nothing.
  static void Spread(double seconds, size_t module, StackCost* stack) {
    const double each = std::max(0.0, seconds) / stack->layers;
    for (size_t i = module; i < stack->seconds.size(); i += stack->modules.size()) {
      stack->seconds[i] = each;
    }
  }

  Result<Sample> Measure(Variant& variant, bool first) {
    Inference& inference = *variant.inference;
    Sample sample;
    const bool encodes = first || variant.kind != Kind::kDecoder || IsSource(variant);
    if (encodes) {
      const double before = inference.timings().encoder_s;
      ESP_RETURN_IF_ERROR(inference.Embed(features_));
      const double embedded = inference.timings().encoder_s;
      ESP_RETURN_IF_ERROR(inference.Encode(variant.mask));
      sample.stem_s = embedded - before;
      sample.encode_s = inference.timings().encoder_s - embedded;
    }
    if (variant.kind == Kind::kOpen && engine_->config().gate) {
      const double before = inference.timings().gates_s;
      ESP_RETURN_IF_ERROR(inference.LookAtGates(0, 0).status());
      sample.gates_s = inference.timings().gates_s - before;
    }
    if (variant.kind == Kind::kEncoder) return sample;
    ESP_ASSIGN_OR_RETURN(sample.step_s, StepSeconds(inference));
    return sample;
  }

  Result<double> StepSeconds(Inference& inference) {
    std::vector<float> log_probs(static_cast<size_t>(inference.vocabulary_size()));
    const std::vector<int> prompt(kPromptTokens, 1);
    ESP_RETURN_IF_ERROR(inference.Start(prompt, std::array{kPromptTokens - 1}, log_probs));
    const double before = inference.timings().decoder_s;
    const int steps = std::min(options_.steps, inference.max_positions() - kPromptTokens);
    for (int step = 0; step < steps; ++step) {
      ESP_RETURN_IF_ERROR(inference.Advance(std::array{0}, std::array{1}, log_probs));
    }
    return (inference.timings().decoder_s - before) / std::max(1, steps);
  }

  double FeatureSeconds() const {
    const ModelConfig& config = engine_->config();
    const auto count = static_cast<size_t>(std::llround(input_s_ * config.frontend.sample_rate));
    std::vector<float> samples(count, 0.01f);
    std::vector<double> seconds;
    for (int round = 0; round < options_.rounds; ++round) {
      const Stopwatch watch;
      const std::vector<float> features = engine_->log_mel().Compute(samples);
      seconds.push_back(watch.Seconds());
    }
    return Median(std::move(seconds));
  }

  std::shared_ptr<Engine> engine_;
  const ProfileOptions& options_;
  const double input_s_;
  const std::stop_token stop_;
  std::vector<float> features_;
  std::vector<Variant> variants_;
};

}  // namespace

Result<CostTable> ProfileModel(const std::shared_ptr<Engine>& engine, const ProfileOptions& options,
                               FunctionRef<void(double)> on_progress, const std::stop_token& stop) {
  const ModelConfig& config = engine->config();
  const double window_s = static_cast<double>(WindowSamples(config)) / config.frontend.sample_rate;
  CostTable table{
      .model = config.name,
      .device = engine->device().id + ": " + engine->device().name + ", " + engine->device().detail,
      .reference_s = options.reference_s > 0 ? std::min(options.reference_s, window_s) : window_s,
      .reference_tokens = options.reference_tokens,
      .windows = {}};
  if (table.reference_tokens == 0) {
    table.reference_tokens = static_cast<int>(std::lround(kTokensPerSecond * table.reference_s));
  }
  double done = 0;
  for (const double length : kLengths) {
    WindowProfiler profiler(engine, options, length * window_s, stop);
    ESP_RETURN_IF_ERROR(profiler.Run([&](double share) {
      on_progress((done + share) / static_cast<double>(std::size(kLengths)));
    }));
    table.windows.push_back(profiler.Cost());
    ++done;
  }
  return table;
}

}  // namespace espalier
