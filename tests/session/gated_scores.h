// What tests of closed gates share: closing one, and the scores that follow.
#pragma once

#include <string>
#include <vector>

#include "runtime/model/gates.h"

namespace espalier {

// Closes `module` of `layer` in the encoder's or the decoder's table.
void CloseGate(GateMask* mask, bool encoder, const std::string& module, int layer);

// Log-probabilities after a prompt and a step of two hypotheses, (3, vocabulary), of `sample_count`
// samples of noise; `gates` null: all open. Failures fail the test.
std::vector<float> ScoresOfNoise(const std::string& folder, const GateMask* gates,
                                 size_t sample_count);

}  // namespace espalier
