// The program without its process: arguments in, exit status out.
#pragma once

#include "apps/cli/console.h"

namespace espalier::cli {

// `argv` as main has it. Results and messages go to `console`. Exit statuses: docs/cli.md.
int RunProgram(int argc, const char* const* argv, Console* console);

}  // namespace espalier::cli
