// What bench live says: a block of figures per policy.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/cli/live/delay_log.h"
#include "apps/cli/live/word_errors.h"

namespace espalier::cli {

struct LiveBenchRun {
  std::string policy = {};
  DelayLog log = {};
  double audio_s = 0, busy_s = 0, cpu_s = 0;  // busy: as the clock of the run has it
  int64_t update_count = 0, dropped_count = 0;
  int gate_count = 0, closed_gate_count = 0;
  WordErrors errors = {};  // none where there is no reference
};

std::string LiveBenchText(const LiveBenchRun& run);
nlohmann::ordered_json LiveBenchJson(const LiveBenchRun& run);

}  // namespace espalier::cli
