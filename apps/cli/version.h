// The version that --version, JSON results and `doctor` state.
#pragma once

namespace espalier::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace espalier::cli
