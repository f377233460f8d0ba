// espalier bench live: how late a live session's words are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/live_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"

namespace espalier::cli {

struct LiveBenchRun;
class SimulLines;

// Files are played one after another into a session each, on a clock of its own: a chunk is there
// when it would have been spoken, and time passes by what the session needs for it. So the figures
// are those of real time, and a run takes no longer than the computation.
class LiveBench {
 public:
  LiveBench();
  ~LiveBench();
  void AddTo(CLI::App& app);
  bool asked() const;
  Result<int> Run(VerbContext& context);

 private:
  Result<LiveBenchRun> RunAll(const std::string& policy, VerbContext& context);
  Status RunFile(const std::string& path, const esp_session_options& options,
                 const std::stop_token& stop, LiveBenchRun* run);
  std::string Head(double audio_s) const;

  CLI::App* app_ = nullptr;
  std::vector<std::string> paths_;
  std::string reference_, simul_lines_;
  double chunk_ms_ = 20;  // as live plays files
  double speed_ = 1;
  ModelOptions model_;
  LiveVerbOptions live_;
  std::unique_ptr<Model> opened_;
  std::string lines_;  // of SimulStreaming's format
};

}  // namespace espalier::cli
