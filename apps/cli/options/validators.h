// Checks of option values, for CLI11. Include in .cc files only.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "runtime/base/string_format.h"

namespace espalier::cli {

// A number of [low, high]; not a NaN, which CLI::Range lets pass.
inline CLI::Validator Between(double low, double high) {
  return CLI::Validator(
      [low, high](std::string& text) -> std::string {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return {};
        return "'" + text + "': " + StrFormat("a number from %g to %g", low, high);
      },
      "", "between");
}

// A whole number of [low, high].
inline CLI::Validator WholeBetween(int64_t low, int64_t high) {
  return CLI::Validator(
      [low, high](std::string& text) -> std::string {
        int64_t value = 0;
        if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return {};
        return "'" + text + "': " +
               StrFormat("a whole number from %lld to %lld", static_cast<long long>(low),
                         static_cast<long long>(high));
      },
      "", "whole");
}

}  // namespace espalier::cli
