// The only place that reads environment variables (style guide §2.11).
#pragma once

#include <optional>
#include <string>

namespace espalier {

// The value of `name`, or nothing when it is unset or empty.
std::optional<std::string> GetEnv(const char* name);

}  // namespace espalier
