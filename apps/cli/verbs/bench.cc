// espalier bench: wall and CPU time of decoding, stage by stage.
//
// Runs are repeatable: no temperature fallback, and no time tokens unless asked for (windows then
// follow each other by their length, whatever is heard). One untimed run over the first second
// compiles the plans and warms the caches up.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/options/validators.h"
#include "apps/cli/synthetic_audio.h"
#include "apps/cli/timings_text.h"
#include "apps/cli/verb.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/string_format.h"
#include "runtime/session/transcriber.h"

namespace espalier::cli {
namespace {

constexpr int64_t kWarmUpMs = 1000;
constexpr double kLongestS = 24 * 3600;

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double PeakMegabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts kilobytes
}

struct BenchRun {
  Timings timings;
  double cpu_s = 0;
  int64_t duration_ms = 0;
};

double EncodeSeconds(const Timings& t) { return t.features_s + t.gates_s + t.plan_s + t.encoder_s; }
double DecodeSeconds(const Timings& t) { return t.decoder_s + t.search_s; }

class BenchVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    CLI::Option* file = app.add_option("audio", audio_, "Audio file; else synthetic sound");
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
    context_.language = "en";
    context_.AddTo(app);
    search_.AddTo(app);
  }

  Result<int> Run(VerbContext& context) override {
    TranscribeOptions options{.language = context_.language,
                              .initial_prompt = {},
                              .timestamps = timestamps_,
                              .beam_size = search_.beam_size,
                              .ctc_weight = search_.ctc_weight,
                              .length_penalty = search_.length_penalty,
                              .maxlen_ratio = search_.maxlen_ratio,
                              .minlen_ratio = search_.minlen_ratio,
                              .normalize_length = search_.normalize_length,
                              .temperatures = {0.0}};
    ESP_ASSIGN_OR_RETURN(options.task, context_.Task());
    if (audio_ == "-") return InvalidArgument("bench reads its audio several times: name a file");
    ESP_ASSIGN_OR_RETURN(engine_, model_.Open(search_.beam_size));
    ESP_RETURN_IF_ERROR(search_.CheckFamily(engine_->config().family));
    ESP_ASSIGN_OR_RETURN(transcriber_, Transcriber::Create(engine_));
    TranscribeOptions warm_up = options;
    warm_up.duration_ms = kWarmUpMs;
    ESP_RETURN_IF_ERROR(RunOnce(warm_up, context).status());
    std::vector<BenchRun> runs;
    for (int i = 0; i < runs_; ++i) {
      ESP_ASSIGN_OR_RETURN(BenchRun run, RunOnce(options, context));
      runs.push_back(std::move(run));
      context.console.Detail(StrFormat("run %d: %.3f s", i + 1, runs.back().timings.total_s));
    }
    std::sort(runs.begin(), runs.end(), [](const BenchRun& a, const BenchRun& b) {
      return a.timings.total_s < b.timings.total_s;
    });
    ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? Json(runs) : Text(runs)));
    return 0;
  }

 private:
  Result<BenchRun> RunOnce(const TranscribeOptions& options, VerbContext& context) {
    const int rate = engine_->config().frontend.sample_rate;
    std::unique_ptr<AudioReader> audio;
    if (audio_.empty()) {
      audio = MakeSyntheticAudio(static_cast<int64_t>(seconds_ * rate), rate);
    } else {
      ESP_ASSIGN_OR_RETURN(audio, RawAudioOptions{}.Open(audio_, rate));
    }
    const double cpu_before = CpuSeconds();
    ESP_ASSIGN_OR_RETURN(const Transcript transcript,
                         transcriber_->Transcribe(*audio, options, {}, context.interrupts.token()));
    return BenchRun{transcript.timings, CpuSeconds() - cpu_before, transcript.duration_ms};
  }

  std::string Text(const std::vector<BenchRun>& runs) const {
    const BenchRun& median = runs[runs.size() / 2];
    std::string text = StrFormat("%s on %s (%s), beam %d\n", engine_->config().name.c_str(),
                                 engine_->device().name.c_str(), engine_->device().detail.c_str(),
                                 search_.beam_size);
    text += TimingsText(StrFormat("the median of %zu runs", runs.size()), median.timings,
                        median.duration_ms);
    text += StrFormat("  %-12s %9.3f s\n", "CPU time", median.cpu_s);
    text += StrFormat("  %-12s %9.3f s to %.3f s\n", "all runs", runs.front().timings.total_s,
                      runs.back().timings.total_s);
    text += StrFormat("  %-12s %9.1f MB\n", "peak memory", PeakMegabytes());
    return text;
  }

  std::string Json(const std::vector<BenchRun>& runs) const {
    const BenchRun& median = runs[runs.size() / 2];
    const Timings& timings = median.timings;
    auto totals = nlohmann::ordered_json::array();
    for (const BenchRun& run : runs) totals.push_back(run.timings.total_s);
    return DumpLine({{"load_s", engine_->load_seconds()},
                     {"encode_s", EncodeSeconds(timings)},
                     {"decode_s", DecodeSeconds(timings)},
                     {"total_s", timings.total_s},
                     {"cpu_s", median.cpu_s},
                     {"tokens", timings.token_count},
                     {"peak_rss_mb", PeakMegabytes()},
                     {"audio_s", static_cast<double>(median.duration_ms) / 1000},
                     {"runs_s", totals},
                     {"beam_size", search_.beam_size},
                     {"device", engine_->device().name},
                     {"device_detail", engine_->device().detail},
                     {"timings", TimingsJson(timings, median.duration_ms)},
                     {"runtime", RuntimeJson({.model = engine_->config().name,
                                              .backend = engine_->device().id})}});
  }

  std::string audio_;
  double seconds_ = 30;
  int runs_ = 3;
  bool timestamps_ = false;
  ModelOptions model_;
  ContextOptions context_;
  SearchOptions search_;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<Transcriber> transcriber_;
};

}  // namespace

std::unique_ptr<Verb> MakeBenchVerb() { return std::make_unique<BenchVerb>(); }

}  // namespace espalier::cli
