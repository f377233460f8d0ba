// Parts that both JSON formats share. Include in .cc files only.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/cli/writers/writer.h"

namespace espalier::cli {

// Text without blanks at its ends; bytes that are not UTF-8 are replaced when it is dumped.
std::string Trimmed(const std::string& text);

inline double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// {"version", "model", "backend"}
nlohmann::ordered_json RuntimeJson(const WriterOptions& options);

// [{"word", "start", "end", "probability"}], in seconds.
nlohmann::ordered_json WordsJson(const std::vector<Word>& words);

// Every stage in seconds, the real-time factor, and what was counted.
nlohmann::ordered_json TimingsJson(const Timings& timings, int64_t duration_ms);

// One line, always valid UTF-8.
std::string DumpLine(const nlohmann::ordered_json& json);

}  // namespace espalier::cli
