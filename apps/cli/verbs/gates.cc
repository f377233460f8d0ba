// espalier gates: the table of layers and modules for a context or for all of them.
#include "apps/cli/client/gates.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/gate_worth.h"
#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"
#include "runtime/base/file.h"

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
    ESP_ASSIGN_OR_RETURN(opened_, model_.Open(1));
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                         raw_.Open(audio_, opened_->sample_rate()));
    ESP_ASSIGN_OR_RETURN(samples_, audio->ReadStart(opened_->window_samples()));
    ESP_RETURN_IF_ERROR(all_contexts_ ? AllContexts(context) : OneContext(task, context));
    return 0;
  }

 private:
  Status OneContext(const std::string& task, VerbContext& context) {
    ESP_ASSIGN_OR_RETURN(
        const std::unique_ptr<Gates> gates,
        Gates::OfContext(*opened_, samples_, context_.language, task, context.interrupts.token()));
    if (!opened_->has_predictor() && model_.gates == "auto") {
      context.console.Notice(opened_->name() + " has no gate predictor: every gate is open");
    }
    const std::string title =
        opened_->name() + ", language " + context_.language + ", task " + task;
    ESP_ASSIGN_OR_RETURN(const GateWorth worth,
                         WorthOfGates(*gates, static_cast<int64_t>(samples_.size()), costs_));
    ESP_RETURN_IF_ERROR(WriteFiles(*gates, title));
    const bool as_json = context.console.json();
    ESP_ASSIGN_OR_RETURN(const std::string text,
                         gates->Write(as_json ? ESP_GATES_JSON : ESP_GATES_TEXT, title));
    if (!as_json) return context.console.Write(title + "\n" + text + GateWorthText(worth));
    auto json = nlohmann::ordered_json::parse(text);
    json["worth"] = GateWorthJson(worth);
    return context.console.Write(json.dump(1) + "\n");
  }

  Status AllContexts(VerbContext& context) {
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Gates> gates,
                         Gates::OfAllContexts(*opened_, samples_, context.interrupts.token()));
    const std::string title = opened_->name() + ", every context of its predictor";
    ESP_RETURN_IF_ERROR(WriteFiles(*gates, title));
    const bool as_json = context.console.json();
    ESP_ASSIGN_OR_RETURN(const std::string text,
                         gates->Write(as_json ? ESP_GATES_JSON : ESP_GATES_TEXT, title));
    return context.console.Write(as_json ? text : title + "\n" + text);
  }

  Status WriteFiles(const Gates& gates, const std::string& title) const {
    if (!save_.empty()) ESP_RETURN_IF_ERROR(gates.Save(save_));
    if (!svg_.empty()) {
      ESP_ASSIGN_OR_RETURN(const std::string svg, gates.Write(ESP_GATES_SVG, title));
      ESP_RETURN_IF_ERROR(WriteFileAtomically(svg_, svg));
    }
    if (json_.empty()) return OkStatus();
    ESP_ASSIGN_OR_RETURN(const std::string json, gates.Write(ESP_GATES_JSON, title));
    return WriteFileAtomically(json_, json);
  }

  std::string audio_;
  ModelOptions model_;
  ContextOptions context_;
  RawAudioOptions raw_;
  bool all_contexts_ = false;
  std::string costs_, svg_, json_, save_;
  std::unique_ptr<Model> opened_;
  std::vector<float> samples_;
};

}  // namespace

std::unique_ptr<Verb> MakeGatesVerb() { return std::make_unique<GatesVerb>(); }

}  // namespace espalier::cli
