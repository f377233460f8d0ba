#include "apps/cli/options/live_options.h"

#include <CLI/CLI.hpp>

#include "apps/cli/options/validators.h"

namespace espalier::cli {
namespace {

constexpr int kLongestMs = 60'000;

}  // namespace

void LiveVerbOptions::AddTo(CLI::App& app) {
  context.AddTo(app);
  app.add_option("--prompt,--initial-prompt", prompt_,
                 "Text that precedes the first utterance: names, style")
      ->type_name("TEXT");
  app.add_flag("--no-carry", no_carry_, "Utterances do not hear of the text before them");
  AddRestrictVocabulary(app, &restrict_vocabulary_);
  app.add_option("--guard-ms", values_.guard_ms, "AlignAtt: the newest audio that is not trusted")
      ->type_name("MS")
      ->check(WholeBetween(0, kLongestMs))
      ->capture_default_str();
  app.add_option("--update-ms", values_.update_ms, "Audio between two updates")
      ->type_name("MS")
      ->check(WholeBetween(100, kLongestMs))
      ->capture_default_str();
  app.add_option("--end-silence-ms", values_.end_silence_ms,
                 "Silence that ends an utterance behind a whole sentence")
      ->type_name("MS")
      ->check(WholeBetween(20, kLongestMs))
      ->capture_default_str();
  app.add_option("--end-silence-unfinished-ms", values_.end_silence_unfinished_ms,
                 "Silence that ends an utterance anyway")
      ->type_name("MS")
      ->check(WholeBetween(20, kLongestMs))
      ->capture_default_str();
  app.add_option("--encoder-padding-ms", values_.encoder_padding_ms,
                 "Silence behind a window's audio; -1: up to the model's whole window")
      ->type_name("MS")
      ->check(WholeBetween(-1, kLongestMs));
  app.add_flag("--no-vad", no_vad_, "Everything is speech");
}

esp_session_options LiveVerbOptions::Defaults() {
  esp_session_options options;
  esp_session_options_init(&options);
  return options;
}

Result<esp_session_options> LiveVerbOptions::Build() {
  ESP_ASSIGN_OR_RETURN(task_, context.Task());
  esp_session_options options = values_;
  options.language = context.language.c_str();
  options.task = task_.c_str();
  options.initial_prompt = prompt_.empty() ? nullptr : prompt_.c_str();
  options.carry_text = no_carry_ ? 0 : 1;
  options.detect_speech = no_vad_ ? 0 : 1;
  options.restrict_vocabulary = restrict_vocabulary_;
  options.policy =
      policy == kLocalAgreementName ? ESP_POLICY_LOCAL_AGREEMENT : ESP_POLICY_ALIGN_ATT;
  return options;
}

}  // namespace espalier::cli
