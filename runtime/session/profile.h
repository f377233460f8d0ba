// Measures what each module of a model costs on its device (`espalier profile`).
//
// A module's cost is the difference between a run with every gate open and one with that module
// closed in all layers, taken in turn, shared out evenly among the layers (which have the same
// shapes); so it is what closing it saves where it runs, with caches as they are then. The median
// over the rounds counts.
#pragma once

#include <memory>
#include <stop_token>

#include "runtime/base/function_ref.h"
#include "runtime/base/status.h"
#include "runtime/model/cost_table.h"
#include "runtime/session/engine.h"

namespace espalier {

struct ProfileOptions {
  int rounds = 5;
  int steps = 24;            // decoder steps of one round
  double reference_s = 0;    // of the summary for training; 0: the model's window
  int reference_tokens = 0;  // 0: three a second
};

// Windows of the model's full length, a third and a tenth of it. `on_progress`: the share done.
// Errors: kCancelled, those of the plans.
Result<CostTable> ProfileModel(const std::shared_ptr<Engine>& engine, const ProfileOptions& options,
                               FunctionRef<void(double)> on_progress, const std::stop_token& stop);

}  // namespace espalier
