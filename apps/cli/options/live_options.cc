#include "apps/cli/options/live_options.h"

#include <CLI/CLI.hpp>

#include "apps/cli/options/validators.h"

namespace espalier::cli {
namespace {

constexpr int kLongestMs = 60'000;

}  // namespace

void LiveVerbOptions::AddTo(CLI::App& app) {
  context.AddTo(app);
  app.add_option("--prompt,--initial-prompt", values_.initial_prompt,
                 "Text that precedes the first utterance: names, style")
      ->type_name("TEXT");
  app.add_flag("--no-carry", no_carry_, "Utterances do not hear of the text before them");
  app.add_option("--guard-ms", values_.guard_ms, "AlignAtt: the newest audio that is not trusted")
      ->type_name("MS")
      ->check(WholeBetween(0, kLongestMs))
      ->capture_default_str();
  app.add_option("--update-ms", values_.update_ms, "Audio between two updates")
      ->type_name("MS")
      ->check(WholeBetween(100, kLongestMs))
      ->capture_default_str();
  app.add_option("--end-silence-ms", values_.silence.end_ms,
                 "Silence that ends an utterance behind a whole sentence")
      ->type_name("MS")
      ->check(WholeBetween(20, kLongestMs))
      ->capture_default_str();
  app.add_option("--end-silence-unfinished-ms", values_.silence.end_unfinished_ms,
                 "Silence that ends an utterance anyway")
      ->type_name("MS")
      ->check(WholeBetween(20, kLongestMs))
      ->capture_default_str();
  app.add_option("--encoder-padding-ms", padding_ms_,
                 "Silence behind a window's audio; -1: up to the model's whole window")
      ->type_name("MS")
      ->check(WholeBetween(-1, kLongestMs));
  app.add_flag("--no-vad", no_vad_, "Everything is speech");
}

Result<LiveOptions> LiveVerbOptions::Build() const {
  LiveOptions options = values_;
  options.language = context.language;
  ESP_ASSIGN_OR_RETURN(options.task, context.Task());
  options.carry_text = !no_carry_;
  options.detect_speech = !no_vad_;
  options.policy =
      policy == kLocalAgreementName ? LivePolicy::kLocalAgreement : LivePolicy::kAlignAtt;
  if (padding_ms_ >= -1) options.encoder_padding_ms = padding_ms_;
  return options;
}

}  // namespace espalier::cli
