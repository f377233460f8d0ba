// Live events as JSON lines (conventions §2).
#pragma once

#include <string>

#include "apps/cli/live/live_event.h"

namespace espalier::cli {

// One line with its line end, always valid UTF-8. Times are seconds by sample count. A partial or
// final has committed, tentative, revision, words and language; times of others are those that mean
// something.
std::string EventLine(const LiveEvent& event);

}  // namespace espalier::cli
