// espalier gates: the table of layers and modules for a context.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"
#include "runtime/base/file.h"
#include "runtime/session/gate_look.h"
#include "runtime/session/window.h"

namespace espalier::cli {
namespace {

class GatesVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("audio", audio_, "Audio file, or - for standard input")
        ->type_name("FILE|-")
        ->required();
    model_.AddTo(app);
    context_.language = "en";
    context_.AddTo(app);
    raw_.AddTo(app);
    app.add_option("--svg", svg_, "Write the table as a picture")->type_name("FILE");
    app.add_option("--json-out", json_, "Write the gates as a file for --gates")->type_name("FILE");
  }

  Result<int> Run(VerbContext& context) override {
    ESP_ASSIGN_OR_RETURN(const std::string task, context_.Task());
    if (context_.language == "auto") {
      return InvalidArgument("--language auto: the gates of a context need its language");
    }
    ESP_ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, model_.Open(1));
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<AudioReader> audio,
                         raw_.Open(audio_, engine->config().frontend.sample_rate));
    ESP_ASSIGN_OR_RETURN(const std::vector<float> samples,
                         ReadStart(*audio, WindowSamples(engine->config())));
    ESP_ASSIGN_OR_RETURN(const GateMask mask, PredictGates(engine, samples, context_.language, task,
                                                           context.interrupts.token()));
    if (engine->forced_gates() && model_.gates == "auto") {
      context.console.Notice(engine->config().name + " has no gate predictor: every gate is open");
    }
    const std::string title =
        engine->config().name + ", language " + context_.language + ", task " + task;
    if (!svg_.empty()) {
      ESP_RETURN_IF_ERROR(WriteFileAtomically(svg_, GateMaskToSvg(mask, title)));
    }
    if (!json_.empty()) ESP_RETURN_IF_ERROR(WriteFileAtomically(json_, GateMaskToJson(mask)));
    ESP_RETURN_IF_ERROR(context.console.Write(
        context.console.json() ? GateMaskToJson(mask) : title + "\n" + GateMaskToText(mask)));
    return 0;
  }

 private:
  std::string audio_;
  ModelOptions model_;
  ContextOptions context_;
  RawAudioOptions raw_;
  std::string svg_, json_;
};

}  // namespace

std::unique_ptr<Verb> MakeGatesVerb() { return std::make_unique<GatesVerb>(); }

}  // namespace espalier::cli
