// A roofline (runtime/session/roofline.h) as a table and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runtime/session/roofline.h"

namespace espalier::cli {

// `tokens`: decoder steps that a window's sum stands for.
std::string RooflineText(const Roofline& roofline, int tokens);
nlohmann::ordered_json RooflineJson(const Roofline& roofline, int tokens);

}  // namespace espalier::cli
