// Where the time went, as lines for a terminal.
#pragma once

#include <cstdint>
#include <string>

#include "apps/cli/client/transcript.h"

namespace espalier::cli {

// A line per stage that took time, then totals. `name` heads the table.
std::string TimingsText(const std::string& name, const Timings& timings, int64_t duration_ms);

}  // namespace espalier::cli
