// How a live verb listens: the options that live and bench live share.
#pragma once

#include <string>

#include "apps/cli/options/decode_options.h"
#include "runtime/base/status.h"
#include "runtime/stream/live_options.h"

namespace CLI {
class App;
}

namespace espalier::cli {

// Names of --policy.
inline constexpr char kAlignAttName[] = "alignatt";
inline constexpr char kLocalAgreementName[] = "local-agreement";

struct LiveVerbOptions {
  ContextOptions context;
  std::string policy = kAlignAttName;

  void AddTo(CLI::App& app);
  // Errors: kInvalidArgument for options that contradict each other.
  Result<LiveOptions> Build() const;

 private:
  LiveOptions values_;
  int padding_ms_ = -2;  // not given
  bool no_vad_ = false;
  bool no_carry_ = false;
};

}  // namespace espalier::cli
