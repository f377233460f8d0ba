// What is decoded as what, and how hard it is searched for.
//
// Some options mean something to one model family only. They are remembered as such, so that a
// value that would do nothing is an error and not a surprise.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

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

// --restrict-vocabulary, of the verbs that decode.
void AddRestrictVocabulary(CLI::App& app, bool* restrict_vocabulary);

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
  Status CheckFamily(const std::string& family) const;
  void ApplyTo(esp_transcribe_options* options) const;

 private:
  std::vector<CLI::Option*> owsm_only_;
};

// Everything else of esp_transcribe_options.
struct DecodeOptions {
  ContextOptions context;
  SearchOptions search;

  void AddTo(CLI::App& app);
  // Its texts belong to this object and the last Build. Errors: kInvalidArgument for options that
  // contradict each other.
  Result<esp_transcribe_options> Build();
  Status CheckFamily(const std::string& family) const;
  // The most hypotheses a decoder state must hold.
  int BeamSizeMax() const;

 private:
  std::vector<double> TemperatureLadder() const;

  static esp_transcribe_options Defaults();

  esp_transcribe_options values_ = Defaults();
  std::string task_, prompt_;
  std::vector<double> temperatures_;
  double temperature_ = 0.0;
  double temperature_increment_ = 0.2;
  bool no_fallback_ = false;
  bool no_timestamps_ = false;
  bool word_timestamps_ = false;
  bool no_repetition_guard_ = false;
  bool carry_prompt_ = false;
  bool restrict_vocabulary_ = false;
  std::string end_time_threshold_;
  std::vector<CLI::Option*> whisper_only_, owsm_only_;
};

}  // namespace espalier::cli
