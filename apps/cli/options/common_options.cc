#include "apps/cli/options/common_options.h"

#include <CLI/CLI.hpp>

namespace espalier::cli {

void CommonOptions::AddTo(CLI::App& app) {
  CLI::Option* quiet_flag =
      app.add_flag("--quiet", quiet, "Only warnings and errors on standard error");
  app.add_flag("--verbose", verbose, "Say more on standard error")->excludes(quiet_flag);
  app.add_flag("--json", json, "Messages as JSON objects, one a line; tables as JSON");
}

void CommonOptions::ApplyTo(Console* console) const {
  if (quiet) console->set_verbosity(Verbosity::kQuiet);
  if (verbose) console->set_verbosity(Verbosity::kVerbose);
  console->set_json(json);
}

}  // namespace espalier::cli
