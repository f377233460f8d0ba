// Codes of the C interface as Status.
#pragma once

#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

StatusCode CodeFromC(esp_status status);

// The status of a C call that has just returned on this thread.
Status FromC(esp_status status);

}  // namespace espalier::cli
