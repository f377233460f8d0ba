// espalier profile: what each module of a model costs here, as a table for training and `gates`.
#include "runtime/session/profile.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/options/model_options.h"
#include "apps/cli/options/validators.h"
#include "apps/cli/verb.h"
#include "apps/tools/open_engine.h"
#include "apps/tools/roofline_text.h"
#include "runtime/base/file.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

std::string StackText(const char* name, const StackCost& stack) {
  std::string text;
  for (size_t m = 0; m < stack.modules.size(); ++m) {
    double all = 0;
    for (size_t i = m; i < stack.seconds.size(); i += stack.modules.size()) all += stack.seconds[i];
    if (all == 0 && stack.rest_s == 0) continue;  // the source stage has one module only
    text += StrFormat("  %-10s %-22s %9.3f ms a layer, %9.3f ms in %d layers\n", name,
                      stack.modules[m].c_str(), 1e3 * all / stack.layers, 1e3 * all, stack.layers);
  }
  if (stack.rest_s > 0) {
    text += StrFormat("  %-10s %-22s %9.3f ms\n", name, "(no gate)", 1e3 * stack.rest_s);
  }
  return text;
}

std::string TableText(const CostTable& table) {
  std::string text = table.model + " on " + table.device + "\n";
  for (const WindowCost& window : table.windows) {
    text += StrFormat("input of %.2f s: features %.3f ms, stem %.3f ms, gate predictor %.3f ms\n",
                      window.input_s, 1e3 * window.features_s, 1e3 * window.stem_s,
                      1e3 * window.gates_s);
    text += StackText("encoder", window.encoder) + StackText("source", window.source) +
            StackText("step", window.decoder_step);
  }
  return text;
}

class ProfileVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    app.add_option("model_folder", folder_, "The same as -m")->type_name("FOLDER");
    app.add_option("--out", out_, "Write the table as JSON; replaced if it exists")
        ->type_name("FILE");
    app.add_option("--rounds", options_.rounds, "Measured rounds; their median counts")
        ->type_name("N")
        ->check(WholeBetween(1, 1000))
        ->capture_default_str();
    app.add_option("--seconds", options_.reference_s,
                   "Input length that the summary for training stands for; 0: the model's window")
        ->type_name("S")
        ->check(Between(0, 3600))
        ->capture_default_str();
    app.add_option("--tokens", options_.reference_tokens,
                   "Decoder steps that it stands for; 0: three a second")
        ->type_name("N")
        ->check(WholeBetween(0, 100000))
        ->capture_default_str();
    app.add_flag(
        "--predict", predict_,
        "Measure nothing: what a CUDA device would take at its limits, every gate open and "
        "with 30 % of the modules closed");
    app.add_option("--hardware", hardware_, "The device that --predict reckons with")
        ->check(CLI::IsMember(HardwareNames()))
        ->capture_default_str();
  }

  Result<int> Run(VerbContext& context) override {
    if (!folder_.empty()) model_.folder = folder_;
    if (predict_) return Predict(context);
    ESP_ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, OpenEngine(model_, 1));
    const auto show = [&context](double share) {
      if (!context.console.HasStatusLine()) return;
      context.console.ShowStatusLine(StrFormat("profile: %.0f %%", 100 * share));
    };
    ESP_ASSIGN_OR_RETURN(const CostTable table,
                         ProfileModel(engine, options_, show, context.interrupts.token()));
    context.console.ClearStatusLine();
    const std::string json = CostTableToJson(table);
    if (!out_.empty()) ESP_RETURN_IF_ERROR(WriteFileAtomically(out_, json));
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? json : TableText(table)));
    return 0;
  }

 private:
  // The device itself need not be there: only plans are built.
  Result<int> Predict(VerbContext& context) {
    if (!model_.device.starts_with("cuda")) {
      return InvalidArgument("--predict is about CUDA devices: --device cuda:0");
    }
    ModelOptions on_cpu = model_;
    on_cpu.device = "cpu";
    const RooflineOptions options;
    ESP_ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine,
                         OpenEngine(on_cpu, options.beam_size));
    const int tokens = options_.reference_tokens > 0 ? options_.reference_tokens : kTokens;
    const Hardware& hardware = *FindHardware(hardware_);
    std::string text = StrFormat(
        "%s on %s at its limits (%.1f TFLOP/s f16 with f32 sums, %.1f f32, %.0f GB/s): on paper, "
        "nothing was run\n",
        engine->config().name.c_str(), hardware.name.c_str(), hardware.tensor_flops / 1e12,
        hardware.f32_flops / 1e12, hardware.bytes / 1e9);
    nlohmann::ordered_json json = {{"model", engine->config().name}, {"hardware", hardware.name}};
    for (const double share : {0.0, 0.3}) {
      ESP_ASSIGN_OR_RETURN(
          const Roofline roofline,
          PredictLimits(*engine, SpreadClosed(engine->config(), share), hardware, options));
      text += StrFormat("%.0f %% of the modules closed\n", 100 * share) +
              RooflineText(roofline, tokens);
      json[share == 0.0 ? "dense" : "gated"] = RooflineJson(roofline, tokens);
    }
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? json.dump(1) + "\n" : text));
    return 0;
  }

  static constexpr int kTokens = 60;  // of a window of speech
  ModelOptions model_;
  bool predict_ = false;
  std::string hardware_ = "a40";
  std::string folder_, out_;
  ProfileOptions options_;
};

}  // namespace

std::unique_ptr<Verb> MakeProfileVerb() { return std::make_unique<ProfileVerb>(); }

}  // namespace espalier::cli
