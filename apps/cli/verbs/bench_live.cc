#include "apps/cli/verbs/bench_live.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/cli/live/live_bench_report.h"
#include "apps/cli/live/live_client.h"
#include "apps/cli/live/simul_lines.h"
#include "apps/cli/options/validators.h"
#include "apps/cli/peak_memory.h"
#include "apps/cli/writers/json_values.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

constexpr size_t kMaxReferenceBytes = size_t{1} << 24;
constexpr char kBothPolicies[] = "both";

// TEXT, or the contents of the file of that name.
Result<std::string> ReferenceText(const std::string& argument) {
  if (!PathExists(argument)) return argument;
  return ReadFile(argument, kMaxReferenceBytes);
}

}  // namespace

LiveBench::LiveBench() = default;
LiveBench::~LiveBench() = default;

void LiveBench::AddTo(CLI::App& app) {
  app_ = app.add_subcommand("live", "How late the words of a live session are");
  app_->fallthrough();  // --json and the like are bench's
  app_->add_option("audio", paths_, "Audio files, played one after another")
      ->type_name("FILE")
      ->required();
  app_->add_option("--reference", reference_,
                   "What is said in all files together, or a file with it: word error rate")
      ->type_name("TEXT|FILE");
  app_->add_option("--chunk-ms", chunk_ms_, "Audio that comes at once")
      ->type_name("MS")
      ->check(Between(1, 10000))
      ->capture_default_str();
  app_->add_option("--speed", speed_, "The machine, this many times as fast as it is")
      ->type_name("X")
      ->check(Between(0.01, 100))
      ->capture_default_str();
  app_->add_option("--simul-lines", simul_lines_,
                   "Write the committed text as SimulStreaming does, for its evaluators")
      ->type_name("FILE");
  model_.AddTo(*app_);
  live_.AddTo(*app_);
  app_->add_option("--policy", live_.policy, "What makes text final; both: one after the other")
      ->check(CLI::IsMember({kAlignAttName, kLocalAgreementName, kBothPolicies}))
      ->capture_default_str();
}

bool LiveBench::asked() const { return app_ != nullptr && app_->parsed(); }

Result<int> LiveBench::Run(VerbContext& context) {
  ESP_ASSIGN_OR_RETURN(const std::string reference, ReferenceText(reference_));
  std::vector<std::string> policies = {live_.policy};
  if (live_.policy == kBothPolicies) policies = {kAlignAttName, kLocalAgreementName};
  if (!simul_lines_.empty() && (paths_.size() > 1 || policies.size() > 1)) {
    return InvalidArgument("--simul-lines is for one file and one policy");
  }
  ESP_ASSIGN_OR_RETURN(opened_, model_.Open(1));
  std::string text;
  nlohmann::ordered_json json;
  for (const std::string& policy : policies) {
    ESP_ASSIGN_OR_RETURN(LiveBenchRun run, RunAll(policy, context));
    run.errors = CompareWords(PlainWords(reference), PlainWords(run.log.text()));
    if (text.empty()) text = Head(run.audio_s);
    text += LiveBenchText(run);
    json["policies"].push_back(LiveBenchJson(run));
  }
  if (!simul_lines_.empty()) {
    ESP_ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(simul_lines_));
    ESP_RETURN_IF_ERROR(file->Write(lines_));
    ESP_RETURN_IF_ERROR(file->Commit());
  }
  text += StrFormat("peak memory %.1f MB\n", PeakMegabytes());
  json["speed"] = speed_;
  json["peak_rss_mb"] = PeakMegabytes();
  json["runtime"] = RuntimeJson({.model = opened_->name(), .backend = opened_->device().id});
  ESP_RETURN_IF_ERROR(context.console.Write(context.console.json() ? DumpLine(json) : text));
  return 0;
}

std::string LiveBench::Head(double audio_s) const {
  return StrFormat("%s on %s (%s), --gates %s, %.1f s of audio, the machine %g times as fast\n",
                   opened_->name().c_str(), opened_->device().name.c_str(),
                   opened_->device().detail.c_str(), model_.gates.c_str(), audio_s, speed_);
}

Result<LiveBenchRun> LiveBench::RunAll(const std::string& policy, VerbContext& context) {
  LiveVerbOptions chosen = live_;
  chosen.policy = policy;
  ESP_ASSIGN_OR_RETURN(const esp_session_options options, chosen.Build());
  LiveBenchRun run{.policy = policy};
  const double cpu_before = ProcessorSeconds();
  for (const std::string& path : paths_) {
    ESP_RETURN_IF_ERROR(RunFile(path, options, context.interrupts.token(), &run));
  }
  run.cpu_s = ProcessorSeconds() - cpu_before;
  return run;
}

Status LiveBench::RunFile(const std::string& path, const esp_session_options& options,
                          const std::stop_token& stop, LiveBenchRun* run) {
  const int rate = opened_->sample_rate();
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<Audio> audio, RawAudioOptions{}.Open(path, rate));
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<LiveClient> session,
                       LiveClient::Open(*opened_, options));
  session->set_stop(stop);
  // Plans are compiled before the clock starts.
  ESP_RETURN_IF_ERROR(session->WarmUp());
  run->log.NextSession();
  SimulLines lines;
  std::vector<float> chunk(static_cast<size_t>(chunk_ms_ * rate / 1000));
  double now_s = 0;
  int64_t spoken = 0;
  const auto timed = [&](const auto& work) {
    const Stopwatch watch;
    const Status status = work();
    const double needed_s = watch.Seconds() / speed_;
    now_s += needed_s;
    run->busy_s += needed_s;
    run->log.AddLag(static_cast<double>(spoken) / rate, now_s);
    while (const auto event = session->Next()) {
      run->log.Add(*event, now_s);
      if (!simul_lines_.empty()) lines_ += lines.Add(*event, now_s);
    }
    return status;
  };
  for (;;) {
    ESP_ASSIGN_OR_RETURN(const size_t count, audio->Read(chunk));
    if (count == 0) break;
    spoken += static_cast<int64_t>(count);
    now_s = std::max(now_s, static_cast<double>(spoken) / rate);
    const int64_t waiting = std::max<int64_t>(static_cast<int64_t>(now_s * rate) - spoken, 0);
    ESP_RETURN_IF_ERROR(
        timed([&] { return session->Push(std::span<const float>(chunk).first(count), waiting); }));
  }
  ESP_RETURN_IF_ERROR(timed([&] { return session->Finish(); }));
  const esp_session_stats stats = session->stats();
  run->audio_s += static_cast<double>(spoken) / rate;
  run->update_count += stats.update_count;
  run->dropped_count += stats.dropped_count;
  run->gate_count = stats.gate_count;
  run->closed_gate_count = stats.closed_gate_count;
  return OkStatus();
}

}  // namespace espalier::cli
