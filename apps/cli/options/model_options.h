// Which model, on what, with which gates.
#pragma once

#include <memory>
#include <string>

#include "apps/cli/client/model.h"
#include "runtime/base/status.h"

namespace CLI {
class App;
}

namespace espalier::cli {

struct ModelOptions {
  std::string folder;  // empty: $ESPALIER_MODEL
  std::string device = "auto";
  std::string gates = "auto";
  int threads = 0;

  void AddModelTo(CLI::App& app);
  void AddDeviceTo(CLI::App& app);
  void AddGatesTo(CLI::App& app);
  void AddTo(CLI::App& app);  // all of them

  // The folder given or the environment's. Errors: kNotFound when there is neither.
  Result<std::string> Folder() const;

  // `beam_size`: the most hypotheses that will be asked for. Errors: those of Folder and
  // Model::Open.
  Result<std::unique_ptr<Model>> Open(int beam_size) const;
};

}  // namespace espalier::cli
