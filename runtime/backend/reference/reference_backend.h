// The backend that defines what every op means: plain loops, sums in double, one thread.
//
// Goals: readable next to the formula in graph/ops; correct. Non-goal: speed.
#pragma once

#include <memory>

#include "runtime/backend/backend.h"

namespace espalier {

// id "reference". Reads weights stored as f32, f16 and bf16. Never null.
std::unique_ptr<Backend> MakeReferenceBackend();

}  // namespace espalier
