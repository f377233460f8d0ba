#include "apps/tools/open_engine.h"

namespace espalier::cli {

Result<std::shared_ptr<Engine>> OpenEngine(const ModelOptions& options, int beam_size) {
  ESP_ASSIGN_OR_RETURN(const std::string folder, options.Folder());
  return Engine::Open({.model_folder = folder,
                       .device = options.device,
                       .threads = options.threads,
                       .gates = options.gates,
                       .beam_size_max = beam_size});
}

std::string FamilyName(ModelFamily family) {
  return family == ModelFamily::kOwsm ? "owsm" : "whisper";
}

}  // namespace espalier::cli
