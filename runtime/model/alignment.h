// Which attention heads of the decoder tell where in the audio a token is.
#pragma once

#include <utility>
#include <vector>

#include "runtime/checkpoint/model_config.h"
#include "runtime/model/gates.h"

namespace espalier {

// (layer, head) in rising order, of layers whose source attention `gates` leaves open: those that
// the model's files name (ModelConfig::alignment_heads), else every head of the open layer next to
// the middle of the stack: early layers look at nothing in particular, the last ones at what comes
// next. Empty when no source attention is open. wanted: heads in place of those that the files
// name.
std::vector<std::pair<int, int>> AlignmentHeads(
    const ModelConfig& config, const GateTable& gates,
    const std::vector<std::pair<int, int>>& wanted = {});

}  // namespace espalier
