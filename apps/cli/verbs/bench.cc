// espalier bench: wall and CPU time of decoding, stage by stage, of one choice of gates or of
// several in turn.
//
// Runs are repeatable: no temperature fallback, and no time tokens unless asked for (windows then
// follow each other by their length, whatever is heard). One untimed run over the first second of
// each file compiles the plans and warms the caches up.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/bench_report.h"
#include "apps/cli/client/gates.h"
#include "apps/cli/client/transcriber.h"
#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/options/validators.h"
#include "apps/cli/peak_memory.h"
#include "apps/cli/synthetic_audio.h"
#include "apps/cli/timings_text.h"
#include "apps/cli/verb.h"
#include "apps/cli/verbs/bench_live.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/clock.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

constexpr int64_t kWarmUpMs = 1000;
constexpr double kLongestS = 24 * 3600;
constexpr double kOnlyTemperature = 0.0;

void AddTo(const Timings& more, Timings* sum) {
  sum->load_s = more.load_s;
  sum->features_s += more.features_s;
  sum->gates_s += more.gates_s;
  sum->plan_s += more.plan_s;
  sum->encoder_s += more.encoder_s;
  sum->decoder_s += more.decoder_s;
  sum->search_s += more.search_s;
  sum->total_s += more.total_s;
  sum->window_count += more.window_count;
  sum->token_count += more.token_count;
  sum->encoder_steps += more.encoder_steps;
  sum->encoder_multiply_adds += more.encoder_multiply_adds;
  sum->decoder_multiply_adds += more.decoder_multiply_adds;
  sum->gate_count = more.gate_count;
  sum->closed_gate_count += more.closed_gate_count;
  sum->weight_bytes_touched = more.weight_bytes_touched;
}

// A model with one choice of gates.
struct Contender {
  BenchVariant report;
  std::unique_ptr<Model> model = {};
  std::unique_ptr<Transcriber> transcriber = {};
};

class BenchVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    CLI::Option* file = app.add_option("audio", audio_, "Audio files; else synthetic sound");
    file->type_name("FILE");
    app.add_option("--seconds", seconds_, "Length of the synthetic sound")
        ->type_name("S")
        ->check(Between(0.1, kLongestS))
        ->excludes(file)
        ->capture_default_str();
    app.add_option("--runs", runs_, "Timed runs; the median one is reported")
        ->type_name("N")
        ->check(WholeBetween(1, 1000))
        ->capture_default_str();
    app.add_flag("--timestamps", timestamps_, "With time tokens");
    model_.AddTo(app);
    app.add_option("--compare", compare_,
                   "Run this choice of gates in turn with that of --gates; may be repeated")
        ->type_name("GATES")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    app.add_option("--costs", costs_,
                   "Cost table of `espalier profile`: the predicted times beside the measured")
        ->type_name("FILE");
    context_.language = "en";
    context_.AddTo(app);
    search_.AddTo(app);
    AddRestrictVocabulary(app, &restrict_vocabulary_);
    live_.AddTo(app);
  }

  Result<int> Run(VerbContext& context) override {
    if (live_.asked()) return live_.Run(context);
    ESP_ASSIGN_OR_RETURN(task_, context_.Task());
    esp_transcribe_options_init(&options_);
    options_.language = context_.language.c_str();
    options_.task = task_.c_str();
    options_.timestamps = timestamps_;
    options_.temperatures = &kOnlyTemperature;
    options_.temperature_count = 1;
    options_.restrict_vocabulary = restrict_vocabulary_;
    search_.ApplyTo(&options_);
    if (std::find(audio_.begin(), audio_.end(), "-") != audio_.end()) {
      return InvalidArgument("bench reads its audio several times: name files");
    }
    ESP_RETURN_IF_ERROR(OpenAll(context));
    for (int i = 0; i < runs_; ++i) {
      for (Contender& each : contenders_) {
        ESP_ASSIGN_OR_RETURN(BenchRun run, RunOnce(each, options_, context));
        each.report.runs.push_back(std::move(run));
        context.console.Detail(StrFormat("run %d: %.3f s, --gates %s", i + 1,
                                         each.report.runs.back().timings.total_s,
                                         each.report.gates.c_str()));
      }
    }
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? Json() : Text()));
    return 0;
  }

 private:
  const Model& opened() const { return *contenders_.front().model; }

  Status OpenAll(VerbContext& context) {
    std::vector<std::string> choices = {model_.gates};
    choices.insert(choices.end(), compare_.begin(), compare_.end());
    esp_transcribe_options warm_up = options_;
    warm_up.duration_ms = kWarmUpMs;
    for (const std::string& gates : choices) {
      Contender contender{.report = {.gates = gates}};
      ModelOptions model = model_;
      model.gates = gates;
      ESP_ASSIGN_OR_RETURN(contender.model, model.Open(search_.beam_size));
      ESP_RETURN_IF_ERROR(search_.CheckFamily(contender.model->family()));
      ESP_ASSIGN_OR_RETURN(contender.transcriber, Transcriber::Open(*contender.model));
      ESP_RETURN_IF_ERROR(RunOnce(contender, warm_up, context).status());
      if (!costs_.empty()) {
        ESP_ASSIGN_OR_RETURN(contender.report.predicted, Predict(contender, context));
      }
      contenders_.push_back(std::move(contender));
    }
    return OkStatus();
  }

  Result<std::unique_ptr<Audio>> OpenAudio(const std::string& file, int rate) const {
    if (!file.empty()) return RawAudioOptions{}.Open(file, rate);
    return MakeSyntheticAudio(static_cast<int64_t>(seconds_ * rate), rate);
  }

  std::vector<std::string> Files() const {
    return audio_.empty() ? std::vector<std::string>{""} : audio_;
  }

  Result<BenchRun> RunOnce(Contender& contender, const esp_transcribe_options& options,
                           VerbContext& context) const {
    BenchRun run;
    const double cpu_before = ProcessorSeconds();
    for (const std::string& file : Files()) {
      ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                           OpenAudio(file, contender.model->sample_rate()));
      ESP_ASSIGN_OR_RETURN(
          const Transcript transcript,
          contender.transcriber->Transcribe(*audio, options, {}, context.interrupts.token()));
      AddTo(transcript.timings, &run.timings);
      run.duration_ms += transcript.duration_ms;
      for (const Segment& segment : transcript.segments) run.text += segment.text;
    }
    run.timings.closed_gate_count /= static_cast<int>(Files().size());
    run.cpu_s = ProcessorSeconds() - cpu_before;
    return run;
  }

  // What the table says about all files, window by window; the steps' time is a mean weighted by
  // their length.
  Result<PredictedRun> Predict(const Contender& contender, VerbContext& context) const {
    const Model& model = *contender.model;
    PredictedRun sum;
    double weights = 0;
    for (const std::string& file : Files()) {
      ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                           OpenAudio(file, model.sample_rate()));
      ESP_ASSIGN_OR_RETURN(std::vector<float> samples, audio->ReadStart(model.window_samples()));
      ESP_ASSIGN_OR_RETURN(
          const std::unique_ptr<Gates> gates,
          Gates::OfContext(model, samples, context_.language, task_, context.interrupts.token()));
      while (!samples.empty()) {
        ESP_ASSIGN_OR_RETURN(const esp_gate_times times,
                             gates->Times(static_cast<int64_t>(samples.size()), costs_));
        sum.encode_s += times.window_s;
        sum.step_s += times.step_s * static_cast<double>(samples.size());
        weights += static_cast<double>(samples.size());
        ESP_ASSIGN_OR_RETURN(samples, audio->ReadStart(model.window_samples()));
      }
    }
    if (weights > 0) sum.step_s /= weights;
    return sum;
  }

  std::vector<BenchVariant> Reports() const {
    std::vector<BenchVariant> reports;
    for (const Contender& each : contenders_) reports.push_back(each.report);
    return reports;
  }

  std::string Text() const {
    const BenchVariant& first = contenders_.front().report;
    const BenchRun& median = first.Median();
    std::string text = StrFormat("%s on %s (%s), beam %d\n", opened().name().c_str(),
                                 opened().device().name.c_str(), opened().device().detail.c_str(),
                                 search_.beam_size);
    text += TimingsText(StrFormat("the median of %zu runs", first.runs.size()), median.timings,
                        median.duration_ms);
    text += StrFormat("  %-12s %9.3f s\n", "CPU time", median.cpu_s);
    text +=
        StrFormat("  %-12s %9.3f s to %.3f s\n", "all runs", first.shortest_s(), first.longest_s());
    text += StrFormat("  %-12s %9.1f MB\n", "peak memory", PeakMegabytes());
    return text + BenchComparisonText(Reports());
  }

  std::string Json() const {
    const BenchVariant& first = contenders_.front().report;
    const BenchRun& median = first.Median();
    const Timings& timings = median.timings;
    auto totals = nlohmann::ordered_json::array();
    for (const BenchRun& run : first.runs) totals.push_back(run.timings.total_s);
    std::sort(totals.begin(), totals.end());
    nlohmann::ordered_json json = {
        {"load_s", opened().load_seconds()},
        {"encode_s", EncodeSeconds(timings)},
        {"decode_s", DecodeSeconds(timings)},
        {"total_s", timings.total_s},
        {"cpu_s", median.cpu_s},
        {"tokens", timings.token_count},
        {"peak_rss_mb", PeakMegabytes()},
        {"text", Trimmed(median.text)},
        {"audio_s", static_cast<double>(median.duration_ms) / 1000},
        {"runs_s", totals},
        {"beam_size", search_.beam_size},
        {"device", opened().device().name},
        {"device_detail", opened().device().detail},
        {"timings", TimingsJson(timings, median.duration_ms)},
        {"runtime", RuntimeJson({.model = opened().name(), .backend = opened().device().id})}};
    if (contenders_.size() > 1 || first.predicted)
      json["variants"] = BenchComparisonJson(Reports());
    return DumpLine(json);
  }

  std::vector<std::string> audio_, compare_;
  std::string costs_;
  double seconds_ = 30;
  int runs_ = 3;
  bool timestamps_ = false;
  bool restrict_vocabulary_ = false;
  ModelOptions model_;
  ContextOptions context_;
  SearchOptions search_;
  std::string task_;
  esp_transcribe_options options_ = {};
  std::vector<Contender> contenders_;
  LiveBench live_;
};

}  // namespace

std::unique_ptr<Verb> MakeBenchVerb() { return std::make_unique<BenchVerb>(); }

}  // namespace espalier::cli
