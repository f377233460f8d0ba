// A product on the matrix units beside the same one without them: drivers are new to these.
#pragma once

#include <string>

#include "runtime/backend/vulkan/executable.h"

namespace espalier::vulkan {

// "" when gemm_cooperative.comp gives, bit for bit, what the device's other kernel gives for
// numbers whose sums f32 holds exactly; else what happened instead, and the backend does without.
// `context`: with Tuning::cooperative present.
std::string CheckCooperative(const Context& context);

}  // namespace espalier::vulkan
