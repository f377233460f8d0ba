// The gates of a context: what the predictor says, or what the user forced.
#pragma once

#include <span>
#include <stop_token>
#include <string>

#include "runtime/base/status.h"
#include "runtime/session/engine.h"

namespace espalier {

// `samples`: the first window (more is ignored); models without a predictor do not look at it.
// `language` and `task` as ResolveContext takes them. Errors: those of ResolveContext and Embed.
Result<GateMask> PredictGates(std::shared_ptr<Engine> engine, std::span<const float> samples,
                              const std::string& language, const std::string& task,
                              const std::stop_token& stop);

}  // namespace espalier
