// A model for tools that look inside it.
#pragma once

#include <memory>

#include "apps/cli/options/model_options.h"
#include "runtime/session/engine.h"

namespace espalier::cli {

// As ModelOptions::Open. Errors: those of ModelOptions::Folder and Engine::Open.
Result<std::shared_ptr<Engine>> OpenEngine(const ModelOptions& options, int beam_size);

// As --ctc-weight's owners name it (SearchOptions::CheckFamily): "whisper", "owsm".
std::string FamilyName(ModelFamily family);

}  // namespace espalier::cli
