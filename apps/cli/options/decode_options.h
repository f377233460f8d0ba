// What is decoded as what, and how hard it is searched for.
//
// Some options mean something to one model family only. They are remembered as such, so that a
// value that would do nothing is an error and not a surprise.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/session/transcriber.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace espalier::cli {

// Language and task, as every verb with audio takes them.
struct ContextOptions {
  std::string language = "auto";
  std::string task = "transcribe";
  std::string target_language;

  void AddTo(CLI::App& app);
  // The task with its target: "translate" into "deu" is "st:deu". Errors: kInvalidArgument.
  Result<std::string> Task() const;
};

// ESPnet's search parameters.
struct SearchOptions {
  int beam_size = 1;
  double ctc_weight = 0.0;
  double length_penalty = 0.0;
  double maxlen_ratio = 0.0;
  double minlen_ratio = 0.0;
  bool normalize_length = false;

  void AddTo(CLI::App& app);
  // Errors: kUnsupported naming an option that was given and that `family` has no use for.
  Status CheckFamily(ModelFamily family) const;

 private:
  std::vector<CLI::Option*> owsm_only_;
};

// Everything else of TranscribeOptions.
struct DecodeOptions {
  ContextOptions context;
  SearchOptions search;

  void AddTo(CLI::App& app);
  // Errors: kInvalidArgument for options that contradict each other.
  Result<TranscribeOptions> Build() const;
  Status CheckFamily(ModelFamily family) const;
  // The most hypotheses a decoder state must hold.
  int BeamSizeMax() const;

 private:
  std::vector<double> TemperatureLadder() const;

  TranscribeOptions values_;
  double temperature_ = 0.0;
  double temperature_increment_ = 0.2;
  bool no_fallback_ = false;
  bool no_timestamps_ = false;
  bool no_repetition_guard_ = false;
  std::string end_time_threshold_;
  std::vector<CLI::Option*> whisper_only_, owsm_only_;
};

}  // namespace espalier::cli
