// espalier transcribe: files, folders and standard input to text.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "apps/cli/client/transcriber.h"
#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/decode_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/options/output_options.h"
#include "apps/cli/options/validators.h"
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

// What no other file of a batch would survive either. A language that is heard in each may be one
// that the gates do not know.
bool EndsTheBatch(const Status& status, bool language_is_heard) {
  return status.code() == StatusCode::kCancelled || status.code() == StatusCode::kUnwritable ||
         (status.code() == StatusCode::kUnsupported && !language_is_heard);
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

// Inputs that several threads decode, each with a transcriber of its own, and what came of them.
class ParallelDecoding {
 public:
  // Fills `segments` with what became final, also when it fails in the end.
  using Decode = std::function<Result<Transcript>(Transcriber& transcriber, size_t index,
                                                  std::vector<Segment>* segments)>;

  // `decode` is called by several threads at once; no more inputs are begun once `stop` is
  // requested.
  ParallelDecoding(std::vector<std::unique_ptr<Transcriber>> transcribers, size_t count,
                   Decode decode, std::stop_token stop)
      : transcribers_(std::move(transcribers)),
        decode_(std::move(decode)),
        stop_(std::move(stop)),
        outcomes_(count) {
    for (const auto& transcriber : transcribers_) {
      threads_.emplace_back([this, &transcriber] { Work(*transcriber); });
    }
  }

  // Waits for the input and gives its segments to `add` until that fails.
  Result<Transcript> Take(size_t index, const std::function<Status(const Segment&)>& add) {
    std::unique_lock<std::mutex> lock(mutex_);
    Outcome& outcome = outcomes_[index];
    done_.wait(lock, [&] { return outcome.transcript.has_value(); });
    lock.unlock();
    for (const Segment& segment : outcome.segments) ESP_RETURN_IF_ERROR(add(segment));
    outcome.segments.clear();
    return std::move(*outcome.transcript);
  }

 private:
  struct Outcome {
    std::vector<Segment> segments;
    std::optional<Result<Transcript>> transcript;  // guarded by mutex_ until it is there
  };

  void Work(Transcriber& transcriber) {
    for (size_t i = next_++; i < outcomes_.size(); i = next_++) {
      Result<Transcript> transcript = stop_.stop_requested()
                                          ? Result<Transcript>(Cancelled("interrupted"))
                                          : decode_(transcriber, i, &outcomes_[i].segments);
      const std::lock_guard<std::mutex> lock(mutex_);
      outcomes_[i].transcript.emplace(std::move(transcript));
      done_.notify_all();
    }
  }

  const std::vector<std::unique_ptr<Transcriber>> transcribers_;
  const Decode decode_;
  const std::stop_token stop_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<Outcome> outcomes_;
  std::vector<std::jthread> threads_;  // last: they end before what they use
};

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
    app.add_option("--jobs", jobs_, "Files that are decoded at once; threads are shared among them")
        ->type_name("N")
        ->check(WholeBetween(1, 64))
        ->capture_default_str();
    app.add_flag("--timings", timings_, "Say on standard error where the time went");
  }

  Result<int> Run(VerbContext& context) override {
    ESP_ASSIGN_OR_RETURN(options_, decode_.Build());
    ESP_ASSIGN_OR_RETURN(const std::vector<std::string> inputs,
                         ExpandInputs(paths_, raw_, &context.console));
    ESP_ASSIGN_OR_RETURN(const std::vector<Job> jobs, PlanJobs(inputs, output_));
    const auto at_once = std::min(static_cast<size_t>(jobs_), jobs.size());
    if (model_.threads == 0 && at_once > 1) {
      const size_t cores = std::max(1u, std::thread::hardware_concurrency());
      model_.threads = static_cast<int>(std::max<size_t>(1, cores / at_once));
    }
    ESP_ASSIGN_OR_RETURN(opened_, model_.Open(decode_.BeamSizeMax()));
    ESP_RETURN_IF_ERROR(decode_.CheckFamily(opened_->family()));
    ESP_ASSIGN_OR_RETURN(transcriber_, Transcriber::Open(*opened_));
    if (jobs.size() == 1) {
      ESP_RETURN_IF_ERROR(RunJob(jobs[0], {1, 1}, Streaming(jobs[0], {1, 1}, context), context));
      return 0;
    }
    return at_once > 1 ? RunAtOnce(jobs, at_once, context) : RunBatch(jobs, nullptr, context);
  }

 private:
  struct Position {
    int index;
    int count;
  };

  // Gives the segments of one input to its output as they become final, and all of it.
  using DecodeInto = std::function<Result<Transcript>(JobOutput* output)>;

  DecodeInto Streaming(const Job& job, Position position, VerbContext& context) {
    return [this, &job, position, &context](JobOutput* output) -> Result<Transcript> {
      ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                           raw_.Open(job.input, opened_->sample_rate()));
      return Decode(*audio, NameOf(job.input), position, output, context);
    };
  }

  // Decodes some inputs at once; what they give is written in order.
  Result<int> RunAtOnce(const std::vector<Job>& jobs, size_t at_once, VerbContext& context) {
    std::vector<std::unique_ptr<Transcriber>> transcribers;
    for (size_t i = 0; i < at_once; ++i) {
      ESP_ASSIGN_OR_RETURN(transcribers.emplace_back(), Transcriber::Open(*opened_));
    }
    const std::stop_token stop = context.interrupts.token();
    const auto decode = [&](Transcriber& transcriber, size_t index,
                            std::vector<Segment>* segments) -> Result<Transcript> {
      const std::string& input = jobs[index].input;
      ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio,
                           raw_.Open(input, opened_->sample_rate()));
      const TranscribeObserver observer{
          .on_segment = [segments](const Segment& segment) { segments->push_back(segment); },
          .on_progress = {}};
      return Named(transcriber.Transcribe(*audio, options_, observer, stop), NameOf(input));
    };
    ParallelDecoding decoding(std::move(transcribers), jobs.size(), decode, stop);
    Result<int> result = RunBatch(jobs, &decoding, context);
    if (!result.ok()) context.interrupts.RequestStop();  // the others need not go on
    return result;
  }

  // One bad file does not stop the others. `decoding`: of all inputs; null: one after the other.
  Result<int> RunBatch(const std::vector<Job>& jobs, ParallelDecoding* decoding,
                       VerbContext& context) {
    int failed = 0;
    const Position all{0, static_cast<int>(jobs.size())};
    for (int i = 0; i < all.count; ++i) {
      const Job& job = jobs[static_cast<size_t>(i)];
      const Position position{i + 1, all.count};
      DecodeInto decode = Streaming(job, position, context);
      if (decoding != nullptr) {
        decode = [decoding, i](JobOutput* output) {
          return decoding->Take(static_cast<size_t>(i),
                                [output](const Segment& segment) { return output->Add(segment); });
        };
      }
      const Status status = RunJob(job, position, decode, context);
      if (status.ok()) continue;
      if (EndsTheBatch(status, std::string_view(options_.language) == "auto")) return status;
      context.console.Error(status);
      ++failed;
    }
    if (failed == 0) return 0;
    if (!context.console.json()) {
      context.console.Notice(StrFormat("%d of %d inputs failed", failed, all.count));
    }
    return kSomeInputsFailed;
  }

  Status RunJob(const Job& job, Position position, const DecodeInto& decode, VerbContext& context) {
    const std::string name = NameOf(job.input);
    Announce(name, position, job.outputs[0].path == kStandardOutput, &context.console);
    JobOutput output(job,
                     {.file = job.input,
                      .model = opened_->name(),
                      .backend = opened_->device().id,
                      .word_timestamps = options_.word_timestamps != 0,
                      .max_line_width = output_.max_line_width,
                      .max_line_count = output_.max_line_count},
                     &context.console);
    ESP_ASSIGN_OR_RETURN(const Transcript transcript, decode(&output));
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
    return Named(std::move(transcript), name);
  }

  // Says which input failed.
  static Result<Transcript> Named(Result<Transcript> transcript, const std::string& name) {
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
  int jobs_ = 1;
  bool timings_ = false;

  esp_transcribe_options options_ = {};
  std::unique_ptr<Model> opened_;
  std::unique_ptr<Transcriber> transcriber_;
};

}  // namespace

std::unique_ptr<Verb> MakeTranscribeVerb() { return std::make_unique<TranscribeVerb>(); }

}  // namespace espalier::cli
