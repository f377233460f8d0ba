// The gates of a context: what the predictor says, or what the user forced.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/session/context.h"
#include "runtime/session/inference.h"

namespace espalier {

// The gates of `context` for the window that `inference` has embedded: the fixed ones, else the
// predictor's.
Result<GateMask> GatesOf(const Engine& engine, const Context& context, Inference& inference);

// `samples`: the first window (more is ignored); models without a predictor do not look at it.
// `language` and `task` as ResolveContext takes them. Errors: those of ResolveContext and Embed.
Result<GateMask> PredictGates(std::shared_ptr<Engine> engine, std::span<const float> samples,
                              const std::string& language, const std::string& task,
                              const std::stop_token& stop);

// The predictor's gates for each of its languages and tasks, on the same first window. Languages as
// Context shows them. Errors: kUnsupported (no predictor), those of Embed.
Result<std::vector<ContextGates>> PredictAllContexts(std::shared_ptr<Engine> engine,
                                                     std::span<const float> samples,
                                                     const std::stop_token& stop);

// Work of an utterance under `gates` that a plan can be asked for before anything runs.
struct GatedWork {
  int64_t window_multiply_adds = 0;  // stem, encoder, keys and values of one window
  int64_t step_multiply_adds = 0;    // a decoder step of one hypothesis, 16 tokens behind it
  int64_t weight_bytes = 0;          // of all stages, each constant once
};

// `input_samples`: of the window, padding included. Errors: those of BuildStage.
Result<GatedWork> WorkOf(const Engine& engine, const GateMask& gates, int64_t input_samples);

}  // namespace espalier
