// JSON files of a model folder that are read, changed and written back: the order of their keys and
// their indentation stay.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/base/status.h"

namespace espalier {

// Errors: those of ReadFile, kCorrupt (no JSON object).
Result<nlohmann::ordered_json> ReadJsonObject(const std::string& path);

// In place of the file that is there, whole or not at all, indented as that one is (else by two).
// Errors: those of WriteFileAtomically.
Status WriteJsonObject(const std::string& path, const nlohmann::ordered_json& json);

}  // namespace espalier
