// A description of a model or gate pack (esp_model_describe) as lines.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace espalier::cli {

std::string SummaryText(const nlohmann::ordered_json& summary);

}  // namespace espalier::cli
