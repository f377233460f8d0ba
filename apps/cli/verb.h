// A verb of the program: `espalier VERB ...`.
//
// A new verb is one line of verb_list.inc and one file verbs/<name>.cc that defines
// Make<Name>Verb.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "apps/cli/console.h"
#include "apps/cli/interrupts.h"
#include "runtime/base/status.h"

namespace CLI {
class App;
}

namespace espalier::cli {

// What a running verb may use.
struct VerbContext {
  Console& console;
  Interrupts& interrupts;
};

class Verb {
 public:
  virtual ~Verb() = default;
  // Options and positionals; they are stored in the verb.
  virtual void AddOptions(CLI::App& app) = 0;
  // After parsing. Returns the exit status where it is not that of one error (a batch). An error is
  // printed by the caller and gives its own exit status.
  virtual Result<int> Run(VerbContext& context) = 0;
};

struct VerbEntry {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Verb> (*make)();
};

// In the order of verb_list.inc.
const std::vector<VerbEntry>& Verbs();

}  // namespace espalier::cli
