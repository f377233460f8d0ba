// espalier models info: what a model folder or a gate pack holds.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "apps/cli/model_summary.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"
#include "apps/cli/writers/json_values.h"

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
    if (!folder_.empty() && IsGatePack(folder_)) return PackInfo(context);
    ESP_ASSIGN_OR_RETURN(const std::string folder, model_.Folder());
    ESP_ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, model_.Open(1));
    ESP_ASSIGN_OR_RETURN(const std::string precision, PrecisionOf(folder));
    const nlohmann::ordered_json summary = ModelSummaryJson(*engine, precision);
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? DumpLine(summary)
                                                                     : ModelSummaryText(summary)));
    return 0;
  }

 private:
  Result<int> PackInfo(VerbContext& context) const {
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<GatePack> pack, GatePack::Open(folder_));
    const nlohmann::ordered_json summary = PackSummaryJson(*pack);
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? DumpLine(summary)
                                                                     : ModelSummaryText(summary)));
    return 0;
  }

  ModelOptions model_;
  std::string folder_;
};

}  // namespace

std::unique_ptr<Verb> MakeModelsVerb() { return std::make_unique<ModelsVerb>(); }

}  // namespace espalier::cli
