// espalier models info: what a model folder or a gate pack holds.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/client/c_status.h"
#include "apps/cli/model_summary.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"

namespace espalier::cli {
namespace {

class ModelsVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    app.require_subcommand(1);
    app.fallthrough();  // --json and the like may stand behind `info`
    CLI::App* info = app.add_subcommand("info", "Family, sizes, languages, tasks, gates");
    info->fallthrough();
    model_.AddModelTo(*info);
    model_.AddGatesTo(*info);
    info->add_option("folder", folder_, "The same as -m, or a gate pack")->type_name("FOLDER");
  }

  // The whole model is opened, so that what is said about it has been checked.
  Result<int> Run(VerbContext& context) override {
    if (!folder_.empty()) model_.folder = folder_;
    if (!folder_.empty() && esp_is_gate_pack(folder_.c_str()) != 0) return PackInfo(context);
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, model_.Open(1));
    ESP_ASSIGN_OR_RETURN(const std::string summary, model->Describe());
    ESP_RETURN_IF_ERROR(Say(summary, context));
    return 0;
  }

 private:
  Result<int> PackInfo(VerbContext& context) const {
    const char* summary = nullptr;
    ESP_RETURN_IF_ERROR(FromC(esp_gate_pack_describe(folder_.c_str(), &summary)));
    ESP_RETURN_IF_ERROR(Say(summary, context));
    return 0;
  }

  static Status Say(const std::string& summary, VerbContext& context) {
    if (context.console.json()) return context.console.Write(summary + "\n");
    return context.console.Write(SummaryText(nlohmann::ordered_json::parse(summary)));
  }

  ModelOptions model_;
  std::string folder_;
};

}  // namespace

std::unique_ptr<Verb> MakeModelsVerb() { return std::make_unique<ModelsVerb>(); }

}  // namespace espalier::cli
