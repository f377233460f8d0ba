// The gates of many contexts side by side, and how far contexts agree.
#pragma once

#include <span>
#include <string>

#include "runtime/model/gate_file.h"

namespace espalier {

// Mean share of gates that are the same in both contexts of a pair, over the pairs of a kind; 0
// pairs: none of the kind.
struct Agreement {
  double share = 0;
  int pairs = 0;
};

struct GateMapSummary {
  Agreement same_task;      // pairs of one task and two languages
  Agreement same_language;  // of one language and two tasks
  Agreement neither;
  int gate_count = 0;
  int varying_gates = 0;  // open in some contexts and closed in others
  int always_closed = 0;
};

// `contexts`: all of one model's shape, at least one.
GateMapSummary SummarizeGateMap(std::span<const ContextGates> contexts);

// A line per context: for each module its layers in order, '#' open and '.' closed; then the
// agreement.
std::string GateMapToText(std::span<const ContextGates> contexts);

// The same as a picture: a row per context, a column per layer of each module.
std::string GateMapToSvg(std::span<const ContextGates> contexts, const std::string& title);

// ContextGatesToJson's object with an "agreement" beside "contexts".
std::string GateMapToJson(std::span<const ContextGates> contexts);

}  // namespace espalier
