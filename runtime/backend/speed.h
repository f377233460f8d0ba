// A short start-up measurement, so that "auto" takes a device for what it does, not what it is
// called.
#pragma once

#include "runtime/backend/backend.h"

namespace espalier {

// Seconds that the backend takes for a matrix product of 128 rows, 512 x 512, buffers bound and
// kernels warm: the best of three. Errors: those of the backend.
Result<double> MeasureSeconds(Backend& backend);

// True when `candidate` works and takes at most half of what `current` takes: a device that is
// hardly faster is not worth its start-up and its risks.
bool IsWorthTaking(Backend& candidate, Backend& current);

}  // namespace espalier
