// espalier dump: every stage of one utterance as tensors, and its n-best.
#include "runtime/session/dump.h"

#include <CLI/CLI.hpp>

#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/options/validators.h"
#include "apps/cli/verb.h"
#include "apps/tools/open_engine.h"
#include "runtime/search/beam_search.h"
#include "runtime/session/window.h"

namespace espalier::cli {
namespace {

class DumpVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("audio", audio_, "Audio file, or - for standard input")
        ->type_name("FILE|-")
        ->required();
    model_.AddTo(app);
    context_.language = "eng";
    context_.task = "asr";
    context_.AddTo(app);
    search_.beam_size = BeamOptions{}.beam_size;
    search_.AddTo(app);
    raw_.AddTo(app);
    app.add_option("--ids", ids_, "Decoder input, with commas; else the prompt")
        ->type_name("ID,ID,...")
        ->delimiter(',')
        ->check(WholeBetween(0, 10'000'000));
    app.add_flag("--timestamps", timestamps_, "With time tokens");
    text_prev_option_ =
        app.add_option("--text-prev", text_prev_, "Previous text (OWSM)")->type_name("TEXT");
    app.add_option("--out", out_, "Tensors of every stage; replaced if it exists")
        ->type_name("FILE.safetensors");
    app.add_option("--nbest", nbest_, "Hypotheses of the search (OWSM); replaced if it exists")
        ->type_name("FILE.json");
  }

  Result<int> Run(VerbContext& context) override {
    if (out_.empty() && nbest_.empty()) return InvalidArgument("dump needs --out or --nbest");
    DumpOptions options{.language = context_.language,
                        .task = {},
                        .forced_ids = {},
                        .out_path = out_,
                        .nbest_path = nbest_,
                        .search = {.beam_size = search_.beam_size,
                                   .ctc_weight = search_.ctc_weight,
                                   .length_penalty = search_.length_penalty,
                                   .maxlen_ratio = search_.maxlen_ratio,
                                   .minlen_ratio = search_.minlen_ratio,
                                   .normalize_length = search_.normalize_length},
                        .timestamps = timestamps_,
                        .text_prev = {}};
    ESP_ASSIGN_OR_RETURN(options.task, context_.Task());
    if (options.language == "auto") return InvalidArgument("--language auto: name the language");
    if (text_prev_option_->count() > 0) options.text_prev = text_prev_;
    ESP_ASSIGN_OR_RETURN(const std::shared_ptr<Engine> engine,
                         OpenEngine(model_, search_.beam_size));
    ESP_RETURN_IF_ERROR(search_.CheckFamily(FamilyName(engine->config().family)));
    if (!ids_.empty()) {
      ESP_RETURN_IF_ERROR(CheckIds(engine->config().vocabulary_size));
      options.forced_ids = ids_;
    }
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                         raw_.Open(audio_, engine->config().frontend.sample_rate));
    ESP_ASSIGN_OR_RETURN(const std::vector<float> samples,
                         audio->ReadStart(WindowSamples(engine->config())));
    ESP_RETURN_IF_ERROR(Dump(engine, samples, options, context.interrupts.token()));
    return 0;
  }

 private:
  Status CheckIds(int vocabulary_size) const {
    for (const int id : ids_) {
      if (id >= vocabulary_size) {
        return InvalidArgument("--ids " + std::to_string(id) + ": the vocabulary has " +
                               std::to_string(vocabulary_size) + " tokens");
      }
    }
    return OkStatus();
  }

  std::string audio_;
  ModelOptions model_;
  ContextOptions context_;
  SearchOptions search_;
  RawAudioOptions raw_;
  std::vector<int> ids_;
  bool timestamps_ = false;
  std::string text_prev_;
  CLI::Option* text_prev_option_ = nullptr;
  std::string out_, nbest_;
};

}  // namespace

std::unique_ptr<Verb> MakeDumpVerb() { return std::make_unique<DumpVerb>(); }

}  // namespace espalier::cli
