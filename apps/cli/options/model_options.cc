#include "apps/cli/options/model_options.h"

#include <CLI/CLI.hpp>

#include "apps/cli/options/validators.h"
#include "runtime/base/env.h"

namespace espalier::cli {

void ModelOptions::AddModelTo(CLI::App& app) {
  app.add_option("-m,--model", folder, "Model folder; else $ESPALIER_MODEL")->type_name("FOLDER");
}

void ModelOptions::AddDeviceTo(CLI::App& app) {
  app.add_option(
         "--device", device,
         "cpu, vulkan:N or cuda:N (or a UUID), reference (slow, defines correctness) or auto")
      ->type_name("DEVICE")
      ->capture_default_str();
  app.add_option("-t,--threads", threads, "Threads; 0: one per core")
      ->type_name("N")
      ->check(WholeBetween(0, 1024))
      ->capture_default_str();
}

void ModelOptions::AddGatesTo(CLI::App& app) {
  app.add_option("--gates", gates,
                 "auto (the model's predictor), all (nothing is skipped), pack (the gate pack in "
                 "the model's folder), budget=X (of it), a gate pack's folder or a gate file; with "
                 "commas: PACK,budget=X and PACK,all")
      ->type_name("auto|all|pack|budget=X|PACK|FILE")
      ->capture_default_str();
}

void ModelOptions::AddTo(CLI::App& app) {
  AddModelTo(app);
  AddDeviceTo(app);
  AddGatesTo(app);
}

Result<std::string> ModelOptions::Folder() const {
  if (!folder.empty()) return folder;
  if (const auto from_environment = GetEnv("ESPALIER_MODEL")) return *from_environment;
  return NotFound("no model: name its folder with -m FOLDER or in $ESPALIER_MODEL");
}

Result<std::unique_ptr<Model>> ModelOptions::Open(int beam_size) const {
  ESP_ASSIGN_OR_RETURN(const std::string path, Folder());
  return Model::Open({.folder = path,
                      .device = device,
                      .gates = gates,
                      .threads = threads,
                      .beam_size_max = beam_size});
}

}  // namespace espalier::cli
