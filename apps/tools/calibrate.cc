// espalier calibrate: which heads of a model's decoder tell where words are.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/verb.h"
#include "apps/tools/open_engine.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/session/window.h"
#include "runtime/stream/alignment_calibrator.h"

namespace espalier::cli {
namespace {

constexpr size_t kHeadsShown = 12;

std::string Names(const std::vector<std::pair<int, int>>& heads) {
  std::string text;
  for (const auto& [layer, head] : heads) text += StrFormat(" %d.%d", layer, head);
  return text;
}

std::string ChoiceText(const AlignmentChoice& choice, size_t clip_count) {
  std::string text = StrFormat("%d tokens in %zu clips; how far from them each head looks\n",
                               choice.token_count, clip_count);
  for (size_t i = 0; i < std::min(choice.heads.size(), kHeadsShown); ++i) {
    const HeadDistance& head = choice.heads[i];
    text += StrFormat("  layer %2d, head %2d  %5.0f ms\n", head.layer, head.head, head.distance_ms);
  }
  return text + StrFormat("chosen:%s, together %.0f ms; in use so far: %.0f ms\n",
                          Names(choice.chosen).c_str(), choice.chosen_ms, choice.present_ms);
}

nlohmann::ordered_json ChoiceJson(const AlignmentChoice& choice, size_t clip_count) {
  nlohmann::ordered_json json = {{"clips", clip_count}, {"tokens", choice.token_count}};
  for (const HeadDistance& head : choice.heads) {
    json["heads"].push_back(
        {{"layer", head.layer}, {"head", head.head}, {"distance_ms", head.distance_ms}});
  }
  json["chosen"] = choice.chosen;
  json["chosen_ms"] = choice.chosen_ms;
  json["present_ms"] = choice.present_ms;
  return json;
}

class CalibrateVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("audio", paths_, "Clips of clear speech, a sentence or two each")
        ->type_name("FILE")
        ->required();
    app.add_option("-l,--language", language_, "What is spoken: auto or a language")
        ->capture_default_str();
    app.add_flag("--save", save_, "Write the chosen heads into the model's folder");
    model_.AddModelTo(app);
    model_.AddDeviceTo(app);
  }

  Result<int> Run(VerbContext& context) override {
    ESP_ASSIGN_OR_RETURN(const std::string folder, model_.Folder());
    ESP_ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine, OpenEngine(model_, 1));
    ESP_ASSIGN_OR_RETURN(const auto calibrator, AlignmentCalibrator::Create(engine));
    calibrator->set_stop(context.interrupts.token());
    size_t clip_count = 0;
    for (const std::string& path : paths_) {
      ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                           RawAudioOptions{}.Open(path, engine->config().frontend.sample_rate));
      ESP_ASSIGN_OR_RETURN(const std::vector<float> samples,
                           audio->ReadStart(WindowSamples(engine->config())));
      ESP_ASSIGN_OR_RETURN(const std::string text, calibrator->Listen(samples, language_));
      if (text.empty()) {
        context.console.Warning(path + ": nothing was understood");
        continue;
      }
      ++clip_count;
      context.console.Detail(path + ": " + text);
    }
    ESP_ASSIGN_OR_RETURN(const AlignmentChoice choice, calibrator->Choose());
    if (save_) {
      ESP_RETURN_IF_ERROR(SaveAlignmentHeads(folder, engine->config().family, choice.chosen));
    }
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json()
                                                  ? ChoiceJson(choice, clip_count).dump(1) + "\n"
                                                  : ChoiceText(choice, clip_count)));
    return 0;
  }

 private:
  ModelOptions model_;
  std::vector<std::string> paths_;
  std::string language_ = "auto";
  bool save_ = false;
};

}  // namespace

std::unique_ptr<Verb> MakeCalibrateVerb() { return std::make_unique<CalibrateVerb>(); }

}  // namespace espalier::cli
