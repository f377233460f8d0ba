// espalier live: words while they are spoken, from a microphone or a file that is played.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>

#include "apps/cli/live/keyboard.h"
#include "apps/cli/live/live_client.h"
#include "apps/cli/live/live_output.h"
#include "apps/cli/live/live_source.h"
#include "apps/cli/live/live_switches.h"
#include "apps/cli/live/live_view.h"
#include "apps/cli/live/wav_recorder.h"
#include "apps/cli/options/audio_options.h"
#include "apps/cli/options/live_options.h"
#include "apps/cli/options/model_options.h"
#include "apps/cli/options/output_options.h"
#include "apps/cli/verb.h"
#include "runtime/base/clock.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

double LevelDb(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples) sum += double{sample} * double{sample};
  return 10 * std::log10(sum / static_cast<double>(std::max<size_t>(samples.size(), 1)) + 1e-9);
}

class LiveVerb final : public Verb {
 public:
  void AddOptions(CLI::App& app) override {
    CLI::Option* file = app.add_option("audio", file_, "Audio file to play; else a microphone");
    file->type_name("FILE|-");
    app.add_flag("--fast", fast_, "Play as fast as it is decoded")->needs(file);
    app.add_option("--microphone", microphone_, "Capture device: name, part of one, or id")
        ->type_name("NAME|ID")
        ->excludes(file);
    app.add_option("--record", record_, "Keep what is heard as a WAV file")->type_name("FILE");
    app.add_flag("--json-lines", json_lines_, "Every event as a JSON object on its own line");
    model_.AddTo(app);
    live_.AddTo(app);
    app.add_option("--policy", live_.policy, "What makes text final")
        ->check(CLI::IsMember({kAlignAttName, kLocalAgreementName}))
        ->capture_default_str();
    app.add_option("--languages", languages_, "What the key l goes through, with commas")
        ->type_name("LANG,...");
    raw_.AddTo(app);
    output_options_.AddTo(app);
  }

  Result<int> Run(VerbContext& context) override {
    ESP_ASSIGN_OR_RETURN(const esp_session_options options, live_.Build());
    ESP_ASSIGN_OR_RETURN(const std::optional<Job> job, PlanOutput());
    ESP_ASSIGN_OR_RETURN(opened_, model_.Open(1));
    ESP_ASSIGN_OR_RETURN(session_, LiveClient::Open(*opened_, options));
    switches_.emplace(options.language, options.task, languages_);
    ESP_RETURN_IF_ERROR(OpenFiles(job, &context.console));
    ESP_RETURN_IF_ERROR(session_->WarmUp());
    ESP_RETURN_IF_ERROR(OpenSource(context));
    OpenKeyboard(context);
    LiveView view(Shows(job), &context.console);
    const Status heard = Listen(context, &view);
    // A session that is interrupted, or whose sound broke off, ends like any other: what was said
    // last is decoded and shown.
    context.interrupts.WaitForSecondSignal();
    const Status ended = session_->Finish();
    const Status shown = Show({}, &view);
    // Files are ended whatever came: what was final until then is in them.
    ESP_RETURN_IF_ERROR(CloseFiles());
    context.console.ClearStatusLine();
    if (source_->overrun_count() > 0) SayOverruns(&context.console);
    ESP_RETURN_IF_ERROR(ended);
    ESP_RETURN_IF_ERROR(shown);
    ESP_RETURN_IF_ERROR(heard);
    const bool cut_short = context.interrupts.token().stop_requested() && !file_.empty() && !quit_;
    return cut_short ? ExitCode(StatusCode::kCancelled) : 0;
  }

 private:
  // What is written apart from the text on standard output, or in its place.
  Result<std::optional<Job>> PlanOutput() const {
    const OutputOptions& o = output_options_;
    if (o.formats.empty() && o.output.empty() && o.output_dir.empty()) return std::optional<Job>();
    ESP_ASSIGN_OR_RETURN(const std::vector<Job> jobs,
                         PlanJobs({file_.empty() ? "microphone" : file_}, output_options_));
    if (json_lines_ && ToStandardOutput(jobs[0])) {
      return InvalidArgument("--json-lines takes standard output: name a file with -o");
    }
    return std::optional<Job>(jobs[0]);
  }
  static bool ToStandardOutput(const Job& job) { return job.outputs[0].path == kStandardOutput; }

  LiveShows Shows(const std::optional<Job>& job) const {
    if (json_lines_) return LiveShows::kJsonLines;
    return job && ToStandardOutput(*job) ? LiveShows::kNothing : LiveShows::kText;
  }

  Status OpenFiles(const std::optional<Job>& job, Console* console) {
    std::error_code error;
    if (!record_.empty() && file_ != "-" && std::filesystem::equivalent(record_, file_, error)) {
      return InvalidArgument(record_ + ": would replace an input");
    }
    if (job) {
      const WriterOptions writer{.file = job->input,
                                 .model = opened_->name(),
                                 .backend = opened_->device().id,
                                 .word_timestamps = true,
                                 .max_line_width = output_options_.max_line_width,
                                 .max_line_count = output_options_.max_line_count};
      ESP_ASSIGN_OR_RETURN(output_, LiveOutput::Open(*job, writer, console));
    }
    if (!record_.empty()) {
      ESP_ASSIGN_OR_RETURN(recorder_,
                           WavRecorder::Create(record_, sample_rate(), output_options_.force));
    }
    return OkStatus();
  }

  Status CloseFiles() {
    if (recorder_) ESP_RETURN_IF_ERROR(recorder_->Finish());
    if (!output_) return OkStatus();
    return output_->Finish(switches_->task_kind(), FinalTimings(), session_->stats().input_ms);
  }

  Timings FinalTimings() const {
    const esp_session_stats stats = session_->stats();
    Timings timings = {};
    timings.features_s = stats.features_s;
    timings.gates_s = stats.gates_s;
    timings.plan_s = stats.plan_s;
    timings.encoder_s = stats.encoder_s;
    timings.decoder_s = stats.decoder_s;
    timings.search_s = stats.search_s;
    timings.total_s = busy_s_;
    timings.window_count = stats.update_count;
    timings.token_count = stats.token_count;
    timings.gate_count = stats.gate_count;
    timings.closed_gate_count = stats.closed_gate_count;
    return timings;
  }

  Status OpenSource(VerbContext& context) {
    if (file_.empty()) {
      ESP_ASSIGN_OR_RETURN(source_, ListenTo(microphone_, sample_rate(), &context.console));
    } else {
      ESP_ASSIGN_OR_RETURN(std::unique_ptr<Audio> audio, raw_.Open(file_, sample_rate()));
      source_ = fast_ ? PlayFast(std::move(audio), sample_rate())
                      : PlayPaced(std::move(audio), sample_rate());
    }
    // Only a file that is read as fast as can be may keep Next from returning.
    if (!fast_) context.interrupts.WaitForSecondSignal();
    return OkStatus();
  }

  void OpenKeyboard(VerbContext& context) {
    if (file_ == "-") return;
    context.interrupts.set_before_end(&Keyboard::Restore);
    keyboard_ = Keyboard::Open();
    if (!keyboard_ || json_lines_) return;
    context.console.Notice(
        "keys: l next language, t next task, f end of utterance, g look at gates again, q end");
  }

  Status Listen(VerbContext& context, LiveView* view) {
    const std::stop_token stop = context.interrupts.token();
    while (!source_->ended()) {
      if (stop.stop_requested()) source_->Stop();
      ESP_ASSIGN_OR_RETURN(const std::vector<float> samples, source_->Next());
      if (recorder_) ESP_RETURN_IF_ERROR(recorder_->Add(samples));
      const Stopwatch busy;
      ESP_RETURN_IF_ERROR(session_->Push(samples, source_->backlog_samples()));
      if (source_->TakeBreak()) ESP_RETURN_IF_ERROR(session_->Flush());
      busy_s_ += busy.Seconds();
      while (const auto key = keyboard_ ? keyboard_->Next() : std::nullopt) {
        ESP_RETURN_IF_ERROR(Obey(*key, context));
      }
      ESP_RETURN_IF_ERROR(Show(samples, view));
    }
    return OkStatus();
  }

  Status Obey(char key, VerbContext& context) {
    switch (key) {
      case 'l':
      case 't':
        return Switch(key == 'l', &context.console);
      case 'f':
        return session_->Flush();
      case 'g':
        return session_->LookAtGates();
      case 'q':
        quit_ = true;
        context.interrupts.RequestStop();
        return OkStatus();
      default:
        return OkStatus();
    }
  }

  // What was said so far is decoded as what it was.
  Status Switch(bool language, Console* console) {
    LiveSwitches next = *switches_;
    language ? next.NextLanguage() : next.NextTask();
    ESP_RETURN_IF_ERROR(session_->Flush());
    const Status status = session_->SetContext(next.language(), next.task());
    if (status.code() == StatusCode::kUnsupported) {
      console->Warning(status.message());
      return OkStatus();
    }
    ESP_RETURN_IF_ERROR(status);
    switches_ = next;
    console->Notice(next.task() + ", language " + next.language());
    return OkStatus();
  }

  Status Show(std::span<const float> samples, LiveView* view) {
    while (const auto event = session_->Next()) {
      if (output_) ESP_RETURN_IF_ERROR(output_->Add(*event));
      ESP_RETURN_IF_ERROR(view->Show(*event));
    }
    if (!samples.empty()) level_db_ = LevelDb(samples);
    const esp_session_stats stats = session_->stats();
    const double heard_s = static_cast<double>(stats.input_ms) / 1000;
    view->Refresh({.level_db = level_db_,
                   .lag_ms = source_->backlog_samples() * 1000 / sample_rate(),
                   .real_time_factor = heard_s > 0 ? busy_s_ / heard_s : 0,
                   .closed_gates = stats.closed_gate_count,
                   .gates = stats.gate_count,
                   .overrun_count = source_->overrun_count(),
                   .context = ShownContext()});
    return OkStatus();
  }

  std::string ShownContext() const {
    if (switches_->task_kind() == "transcribe") return switches_->language();
    return switches_->language() + ", " + switches_->task();
  }

  void SayOverruns(Console* console) const {
    console->Warning(StrFormat("%lld overruns, %.1f s of sound lost",
                               static_cast<long long>(source_->overrun_count()),
                               source_->lost_s()));
  }

  int sample_rate() const { return opened_->sample_rate(); }

  std::string file_, microphone_, record_, languages_;
  bool fast_ = false, json_lines_ = false;
  ModelOptions model_;
  LiveVerbOptions live_;
  RawAudioOptions raw_;
  OutputOptions output_options_;

  std::unique_ptr<Model> opened_;
  std::unique_ptr<LiveClient> session_;
  std::optional<LiveSwitches> switches_;
  std::unique_ptr<LiveOutput> output_;
  std::unique_ptr<WavRecorder> recorder_;
  std::unique_ptr<LiveSource> source_;
  std::unique_ptr<Keyboard> keyboard_;
  bool quit_ = false;  // by key
  double busy_s_ = 0;
  double level_db_ = -90;
};

}  // namespace

std::unique_ptr<Verb> MakeLiveVerb() { return std::make_unique<LiveVerb>(); }

}  // namespace espalier::cli
