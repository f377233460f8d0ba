// Options of every verb: how much is said, and in which form.
#pragma once

#include "apps/cli/console.h"

namespace CLI {
class App;
}

namespace espalier::cli {

struct CommonOptions {
  bool quiet = false;
  bool verbose = false;
  bool json = false;

  void AddTo(CLI::App& app);
  void ApplyTo(Console* console) const;
};

}  // namespace espalier::cli
