// espalier gates: the table of layers and modules for a context or for all of them.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/gate_worth.h"
#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"
#include "runtime/base/file.h"
#include "runtime/model/gate_map.h"
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
    app.add_flag("--all-contexts", all_contexts_,
                 "Every language and task of the predictor, and how far they agree");
    app.add_option("--costs", costs_, "Cost table of `espalier profile`: predict the time saved")
        ->type_name("FILE");
    app.add_option("--svg", svg_, "Write the table as a picture")->type_name("FILE");
    app.add_option("--json-out", json_, "Write the gates as a file for --gates")->type_name("FILE");
    app.add_option("--save", save_,
                   "Add the context to a file of contexts for --gates, or renew it there")
        ->type_name("FILE");
  }

  Result<int> Run(VerbContext& context) override {
    ESP_ASSIGN_OR_RETURN(const std::string task, context_.Task());
    if (context_.language == "auto") {
      return InvalidArgument("--language auto: the gates of a context need its language");
    }
    ESP_ASSIGN_OR_RETURN(engine_, model_.Open(1));
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<AudioReader> audio,
                         raw_.Open(audio_, engine_->config().frontend.sample_rate));
    ESP_ASSIGN_OR_RETURN(samples_, ReadStart(*audio, WindowSamples(engine_->config())));
    ESP_RETURN_IF_ERROR(all_contexts_ ? AllContexts(context) : OneContext(task, context));
    return 0;
  }

 private:
  Status OneContext(const std::string& task, VerbContext& context) {
    ESP_ASSIGN_OR_RETURN(const GateMask mask, PredictGates(engine_, samples_, context_.language,
                                                           task, context.interrupts.token()));
    if (engine_->forced_gates() && model_.gates == "auto") {
      context.console.Notice(engine_->config().name + " has no gate predictor: every gate is open");
    }
    const std::string title =
        engine_->config().name + ", language " + context_.language + ", task " + task;
    ESP_ASSIGN_OR_RETURN(const GateWorth worth,
                         WorthOfGates(*engine_, mask, InputSamples(), costs_));
    if (!save_.empty()) {
      ESP_ASSIGN_OR_RETURN(const Context resolved,
                           ResolveContext(*engine_, context_.language, task));
      ESP_RETURN_IF_ERROR(Save({{resolved.language, resolved.gate_task_name, mask}}));
    }
    if (!svg_.empty()) {
      ESP_RETURN_IF_ERROR(WriteFileAtomically(svg_, GateMaskToSvg(mask, title)));
    }
    if (!json_.empty()) ESP_RETURN_IF_ERROR(WriteFileAtomically(json_, GateMaskToJson(mask)));
    if (!context.console.json()) {
      return context.console.Write(title + "\n" + GateMaskToText(mask) + GateWorthText(worth));
    }
    auto json = nlohmann::ordered_json::parse(GateMaskToJson(mask));
    json["worth"] = GateWorthJson(worth);
    return context.console.Write(json.dump(1) + "\n");
  }

  Status AllContexts(VerbContext& context) {
    ESP_ASSIGN_OR_RETURN(const std::vector<ContextGates> contexts,
                         PredictAllContexts(engine_, samples_, context.interrupts.token()));
    const std::string title = engine_->config().name + ", every context of its predictor";
    if (!save_.empty()) ESP_RETURN_IF_ERROR(Save(contexts));
    if (!svg_.empty()) {
      ESP_RETURN_IF_ERROR(WriteFileAtomically(svg_, GateMapToSvg(contexts, title)));
    }
    if (!json_.empty()) ESP_RETURN_IF_ERROR(WriteFileAtomically(json_, GateMapToJson(contexts)));
    return context.console.Write(context.console.json() ? GateMapToJson(contexts)
                                                        : title + "\n" + GateMapToText(contexts));
  }

  // What the file holds of other contexts stays.
  Status Save(const std::vector<ContextGates>& contexts) const {
    FixedGates file;
    if (PathExists(save_)) {
      ESP_ASSIGN_OR_RETURN(file, LoadGateFile(save_, engine_->config()));
      if (file.everywhere) {
        return InvalidArgument("--save " + save_ + ": the file holds one table for all contexts");
      }
    }
    for (const ContextGates& each : contexts) file.Put(each);
    return WriteFileAtomically(save_, ContextGatesToJson(file.contexts));
  }

  int64_t InputSamples() const {
    return FedSamples(engine_->config(), static_cast<int64_t>(samples_.size()));
  }

  std::string audio_;
  ModelOptions model_;
  ContextOptions context_;
  RawAudioOptions raw_;
  bool all_contexts_ = false;
  std::string costs_, svg_, json_, save_;
  std::shared_ptr<Engine> engine_;
  std::vector<float> samples_;
};

}  // namespace

std::unique_ptr<Verb> MakeGatesVerb() { return std::make_unique<GatesVerb>(); }

}  // namespace espalier::cli
