// How a live verb listens: the options that live and bench live share.
#pragma once

#include <string>

#include "apps/cli/options/decode_options.h"
#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

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
  // Its texts belong to this object and the last Build. Errors: kInvalidArgument for options that
  // contradict each other.
  Result<esp_session_options> Build();
  // After Build: with the target language in it.
  const std::string& task() const { return task_; }

 private:
  static esp_session_options Defaults();

  esp_session_options values_ = Defaults();
  std::string task_, prompt_;
  bool no_vad_ = false;
  bool no_carry_ = false;
  bool restrict_vocabulary_ = false;
};

}  // namespace espalier::cli
