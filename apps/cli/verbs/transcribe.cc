// espalier transcribe: files, folders and standard input to text.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "apps/cli/client/transcriber.h"
#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/options/output_options.h"
#include "apps/cli/output/inputs.h"
#include "apps/cli/output/job_output.h"
#include "apps/cli/progress.h"
#include "apps/cli/timings_text.h"
#include "apps/cli/verb.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

constexpr int kSomeInputsFailed = 1;

std::string NameOf(const std::string& input) { return input == "-" ? "standard input" : input; }

// What no other file of a batch would survive either.
bool EndsTheBatch(const Status& status) {
  return status.code() == StatusCode::kCancelled || status.code() == StatusCode::kUnwritable ||
         status.code() == StatusCode::kUnsupported;
}

// Ends of progress: where decoding starts and stops, in seconds.
struct AudioRange {
  double begin_s = 0;
  double end_s = 0;  // 0: unknown
  double length_s() const { return std::max(0.0, end_s - begin_s); }
};

AudioRange RangeOf(const esp_transcribe_options& options, double total_s) {
  AudioRange range{static_cast<double>(options.offset_ms) / 1000, total_s};
  if (options.duration_ms > 0) {
    const double end = range.begin_s + static_cast<double>(options.duration_ms) / 1000;
    range.end_s = total_s > 0 ? std::min(total_s, end) : end;
  }
  return range;
}

class TranscribeVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("audio", paths_, "Audio files, folders of them, or - for standard input")
        ->type_name("FILE|FOLDER|-")
        ->required();
    model_.AddTo(app);
    decode_.AddTo(app);
    raw_.AddTo(app);
    output_.AddTo(app);
    app.add_flag("--timings", timings_, "Say on standard error where the time went");
  }

  Result<int> Run(VerbContext& context) override {
    ESP_ASSIGN_OR_RETURN(options_, decode_.Build());
    ESP_ASSIGN_OR_RETURN(const std::vector<std::string> inputs,
                         ExpandInputs(paths_, raw_, &context.console));
    ESP_ASSIGN_OR_RETURN(const std::vector<Job> jobs, PlanJobs(inputs, output_));
    ESP_ASSIGN_OR_RETURN(opened_, model_.Open(decode_.BeamSizeMax()));
    ESP_RETURN_IF_ERROR(decode_.CheckFamily(opened_->family()));
    ESP_ASSIGN_OR_RETURN(transcriber_, Transcriber::Open(*opened_));
    if (jobs.size() == 1) {
      ESP_RETURN_IF_ERROR(RunJob(jobs[0], {1, 1}, context));
      return 0;
    }
    return RunBatch(jobs, context);
  }

 private:
  struct Position {
    int index;
    int count;
  };

  // One bad file does not stop the others.
  Result<int> RunBatch(const std::vector<Job>& jobs, VerbContext& context) {
    int failed = 0;
    const Position all{0, static_cast<int>(jobs.size())};
    for (int i = 0; i < all.count; ++i) {
      const Job& job = jobs[static_cast<size_t>(i)];
      const Status status = RunJob(job, {i + 1, all.count}, context);
      if (status.ok()) continue;
      if (EndsTheBatch(status)) return status;
      context.console.Error(status);
      ++failed;
    }
    if (failed == 0) return 0;
    if (!context.console.json()) {
      context.console.Notice(StrFormat("%d of %d inputs failed", failed, all.count));
    }
    return kSomeInputsFailed;
  }

  Status RunJob(const Job& job, Position position, VerbContext& context) {
    const std::string name = NameOf(job.input);
    Announce(name, position, job.outputs[0].path == kStandardOutput, &context.console);
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                         raw_.Open(job.input, opened_->sample_rate()));
    JobOutput output(job,
                     {.file = job.input,
                      .model = opened_->name(),
                      .backend = opened_->device().id,
                      .max_line_width = output_.max_line_width,
                      .max_line_count = output_.max_line_count},
                     &context.console);
    ESP_ASSIGN_OR_RETURN(const Transcript transcript,
                         Decode(*audio, name, position, &output, context));
    for (const std::string& warning : transcript.warnings) {
      const bool named = warning.starts_with(name);
      context.console.Warning(named ? warning : name + ": " + warning);
    }
    ESP_RETURN_IF_ERROR(output.Finish(transcript, &context.interrupts.writing()));
    for (const Output& each : job.outputs) {
      if (each.path != kStandardOutput) context.console.Detail("wrote " + each.path);
    }
    if (timings_) SayTimings(name, transcript, &context.console);
    return OkStatus();
  }

  static void SayTimings(const std::string& name, const Transcript& transcript, Console* console) {
    if (console->json()) {
      console->Table(
          DumpLine({{"timings", TimingsJson(transcript.timings, transcript.duration_ms)}}));
    } else {
      console->Table(TimingsText(name, transcript.timings, transcript.duration_ms));
    }
  }

  // Says whose text follows on standard output.
  static void Announce(const std::string& name, Position position, bool to_standard_output,
                       Console* console) {
    const std::string line = StrFormat("[%d/%d] ", position.index, position.count) + name;
    if (position.count > 1 && to_standard_output) {
      console->Notice(line);
    } else {
      console->Detail(line);
    }
  }

  Result<Transcript> Decode(Audio& audio, const std::string& name, Position position,
                            JobOutput* output, VerbContext& context) {
    const auto total = audio.total_samples();
    const int rate = opened_->sample_rate();
    Progress progress(
        &context.console,
        {.name = std::filesystem::path(name).filename().string(),
         .index = position.index,
         .count = position.count,
         .total_s = RangeOf(options_, total ? static_cast<double>(*total) / rate : 0).length_s()});
    Status written;
    const TranscribeObserver observer{
        .on_segment =
            [&](const Segment& segment) {
              if (!written.ok()) return;
              written = output->Add(segment);
              if (!written.ok()) context.interrupts.RequestStop();  // nobody reads any more
            },
        .on_progress =
            [&](double done_s, double total_s) {
              const AudioRange range = RangeOf(options_, total_s);
              progress.Update(std::max(0.0, done_s - range.begin_s), range.length_s());
            }};
    Result<Transcript> transcript =
        transcriber_->Transcribe(audio, options_, observer, context.interrupts.token());
    if (!written.ok()) return written;
    if (transcript.ok()) return transcript;
    const std::string& message = transcript.status().message();
    const bool named = message.starts_with(name);
    return named ? transcript.status() : transcript.status().WithContext(name);
  }

  std::vector<std::string> paths_;
  ModelOptions model_;
  DecodeOptions decode_;
  RawAudioOptions raw_;
  OutputOptions output_;
  bool timings_ = false;

  esp_transcribe_options options_ = {};
  std::unique_ptr<Model> opened_;
  std::unique_ptr<Transcriber> transcriber_;
};

}  // namespace

std::unique_ptr<Verb> MakeTranscribeVerb() { return std::make_unique<TranscribeVerb>(); }

}  // namespace espalier::cli
