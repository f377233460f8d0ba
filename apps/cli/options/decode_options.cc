#include "apps/cli/options/decode_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/cli/options/validators.h"

namespace espalier::cli {
namespace {

constexpr char kOwsm[] = "owsm";  // a model's family
constexpr double kHighestTemperature = 1.0;
constexpr double kRounding = 1e-6;
constexpr int64_t kLongestMs = int64_t{1000} * 3600 * 24 * 365;

// "29" or the token "<29.00>".
Result<double> SecondsOf(std::string text) {
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  double seconds = 0;
  if (!CLI::detail::lexical_cast(text, seconds) || !(seconds >= 0 && seconds < 1e4)) {
    return InvalidArgument("--end-time-threshold '" + text + "': a number of seconds");
  }
  return seconds;
}

Status FirstGiven(const std::vector<CLI::Option*>& options, const char* families) {
  for (const CLI::Option* option : options) {
    if (option->count() > 0) {
      return Unsupported(option->get_name() + ": only " + families + " models have a use for it");
    }
  }
  return OkStatus();
}

}  // namespace

void ContextOptions::AddTo(CLI::App& app) {
  app.add_option("-l,--language", language, "auto, or a language: en, eng, <eng>, English")
      ->type_name("LANG")
      ->capture_default_str();
  app.add_option("--task", task, "transcribe (asr), translate, or st:LANG (into LANG)")
      ->type_name("TASK")
      ->capture_default_str();
  app.add_option("--target-language", target_language, "Translate into this language")
      ->type_name("LANG");
}

Result<std::string> ContextOptions::Task() const {
  const bool known = task == "transcribe" || task == "asr" || task == "translate" ||
                     (task.starts_with("st:") && task.size() > 3) || task.starts_with("<");
  if (!known) {
    return InvalidArgument("--task '" + task + "': transcribe, asr, translate or st:LANG");
  }
  if (target_language.empty()) return task;
  if (task != "translate") {
    return InvalidArgument("--target-language goes with --task translate, not with " + task);
  }
  return "st:" + target_language;
}

void AddRestrictVocabulary(CLI::App& app, bool* restrict_vocabulary) {
  app.add_flag("--restrict-vocabulary", *restrict_vocabulary,
               "Leave out tokens that the language's scripts cannot hold");
}

void SearchOptions::AddTo(CLI::App& app) {
  app.add_option("--beam-size", beam_size, "Hypotheses kept; 1: greedy")
      ->type_name("N")
      ->check(WholeBetween(1, 64))
      ->capture_default_str();
  owsm_only_ = {
      app.add_option("--ctc-weight", ctc_weight,
                     "Share of CTC in the score, 0 to 1; needs --no-timestamps (OWSM)")
          ->type_name("X")
          ->check(Between(0, 1)),
      app.add_option("--length-penalty", length_penalty, "Added per token (OWSM)")
          ->type_name("X")
          ->check(Between(-100, 100)),
      app.add_option("--maxlen-ratio", maxlen_ratio,
                     "Longest output per encoder step; -N: N tokens; 0: no limit (OWSM)")
          ->type_name("X")
          ->check(Between(-1e6, 1e6)),
      app.add_option("--minlen-ratio", minlen_ratio,
                     "Shortest output per encoder step; -N: N tokens (OWSM)")
          ->type_name("X")
          ->check(Between(-1e6, 1e6)),
      app.add_flag("--normalize-length", normalize_length, "Rank by score per token (OWSM)")};
}

Status SearchOptions::CheckFamily(const std::string& family) const {
  return family == kOwsm ? OkStatus() : FirstGiven(owsm_only_, "OWSM");
}

void SearchOptions::ApplyTo(esp_transcribe_options* options) const {
  options->beam_size = beam_size;
  options->ctc_weight = ctc_weight;
  options->length_penalty = length_penalty;
  options->maxlen_ratio = maxlen_ratio;
  options->minlen_ratio = minlen_ratio;
  options->normalize_length = normalize_length;
}

void DecodeOptions::AddTo(CLI::App& app) {
  context.AddTo(app);
  search.AddTo(app);
  whisper_only_ = {
      app.add_option("--temperature", temperature_, "First temperature of the ladder (Whisper)")
          ->type_name("X")
          ->check(Between(0, 1)),
      app.add_option("--temperature-increment-on-fallback", temperature_increment_,
                     "Step to the next one when a window fails its checks [0.2] (Whisper)")
          ->type_name("X")
          ->check(Between(0.01, 1)),
      app.add_flag("--no-fallback", no_fallback_, "The first temperature only (Whisper)"),
      app.add_option("--compression-ratio-threshold", values_.compression_ratio_threshold,
                     "A window that compresses better fails [2.4] (Whisper)")
          ->type_name("X")
          ->check(Between(0, 1e6)),
      app.add_option("--logprob-threshold", values_.log_prob_threshold,
                     "A window with a lower mean log-probability fails [-1] (Whisper)")
          ->type_name("X")
          ->check(Between(-1e6, 0)),
      app.add_option("--no-speech-threshold", values_.no_speech_threshold,
                     "A failed window above it is silence [0.6] (Whisper)")
          ->type_name("X")
          ->check(Between(0, 1))};
  app.add_option("--prompt,--initial-prompt", prompt_,
                 "Text that precedes the first window: names, style")
      ->type_name("TEXT");
  app.add_flag("--carry-prompt", carry_prompt_, "Each window's text precedes the next one");
  AddRestrictVocabulary(app, &restrict_vocabulary_);
  app.add_flag("--no-timestamps", no_timestamps_, "One segment per window, no time tokens");
  app.add_flag("--word-timestamps", word_timestamps_,
               "Words with times in json, jsonl and the cuts of srt and vtt");
  owsm_only_ = {app.add_flag("--no-repetition-guard", no_repetition_guard_,
                             "Keep decoding loops, as ESPnet does (OWSM)"),
                app.add_option("--end-time-threshold", end_time_threshold_,
                               "A last time beyond it ends the window [29.00] (OWSM)")
                    ->type_name("SECONDS")};
  app.add_option("--offset-ms", values_.offset_ms, "Start here")
      ->type_name("MS")
      ->check(WholeBetween(0, kLongestMs));
  app.add_option("--duration-ms", values_.duration_ms, "Decode this much; 0: to the end")
      ->type_name("MS")
      ->check(WholeBetween(0, kLongestMs));
}

esp_transcribe_options DecodeOptions::Defaults() {
  esp_transcribe_options options;
  esp_transcribe_options_init(&options);
  return options;
}

Result<esp_transcribe_options> DecodeOptions::Build() {
  esp_transcribe_options options = values_;
  options.language = context.language.c_str();
  ESP_ASSIGN_OR_RETURN(task_, context.Task());
  options.task = task_.c_str();
  options.initial_prompt = prompt_.c_str();
  options.carry_prompt = carry_prompt_;
  options.restrict_vocabulary = restrict_vocabulary_;
  options.timestamps = !no_timestamps_;
  options.word_timestamps = word_timestamps_;
  options.repetition_guard = !no_repetition_guard_;
  search.ApplyTo(&options);
  temperatures_ = TemperatureLadder();
  options.temperatures = temperatures_.data();
  options.temperature_count = static_cast<int32_t>(temperatures_.size());
  if (search.ctc_weight > 0 && !no_timestamps_) {
    return InvalidArgument(
        "--ctc-weight: decoding with CTC has no time tokens; add "
        "--no-timestamps");
  }
  if (!end_time_threshold_.empty()) {
    ESP_ASSIGN_OR_RETURN(options.end_time_threshold_s, SecondsOf(end_time_threshold_));
  }
  return options;
}

std::vector<double> DecodeOptions::TemperatureLadder() const {
  std::vector<double> ladder = {temperature_};
  if (no_fallback_) return ladder;
  for (int i = 1;; ++i) {
    const double next = temperature_ + i * temperature_increment_;
    if (next > kHighestTemperature + kRounding) return ladder;
    ladder.push_back(next);
  }
}

Status DecodeOptions::CheckFamily(const std::string& family) const {
  ESP_RETURN_IF_ERROR(search.CheckFamily(family));
  return family == kOwsm ? FirstGiven(whisper_only_, "Whisper") : FirstGiven(owsm_only_, "OWSM");
}

int DecodeOptions::BeamSizeMax() const {
  const bool samples = temperature_ > 0 || !no_fallback_;
  return samples ? std::max(search.beam_size, int{ESP_FALLBACK_SAMPLES}) : search.beam_size;
}

}  // namespace espalier::cli
