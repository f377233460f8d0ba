#include "apps/cli/live/live_bench_report.h"

#include <algorithm>

#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

nlohmann::ordered_json Json(const DelayFigures& figures) {
  return {{"mean_s", figures.mean},
          {"p50_s", figures.p50},
          {"p95_s", figures.p95},
          {"max_s", figures.max},
          {"count", figures.count}};
}

std::string Line(const char* name, const DelayFigures& f) {
  return StrFormat("  %-28s mean %6.3f  p50 %6.3f  p95 %6.3f  max %6.3f s  (%d)\n", name, f.mean,
                   f.p50, f.p95, f.max, f.count);
}

double RevisionsPerWord(const DelayLog& log) {
  return static_cast<double>(log.revision_count()) / std::max(log.word_count(), 1);
}

}  // namespace

std::string LiveBenchText(const LiveBenchRun& run) {
  const DelayLog& log = run.log;
  std::string text = run.policy + ": " + log.text() + "\n";
  text += Line("word delay, with computation", log.aware());
  text += Line("word delay, audio only", log.unaware());
  text += Line("end of speech to final", log.finals());
  text += Line("lag behind the audio", log.lag_figures());
  text += StrFormat("  %d utterances, %d words, %d revisions of tentative text (%.2f a word)\n",
                    log.utterance_count(), log.word_count(), log.revision_count(),
                    RevisionsPerWord(log));
  text += StrFormat("  committed text changed %d times\n", log.broken_commits());
  text += StrFormat("  busy %.3f of real time (CPU %.3f), %lld of %lld updates left out\n",
                    run.busy_s / run.audio_s, run.cpu_s / run.audio_s,
                    static_cast<long long>(run.dropped_count),
                    static_cast<long long>(run.dropped_count + run.update_count));
  if (run.gate_count > 0) {
    text += StrFormat("  %d of %d gates closed\n", run.closed_gate_count, run.gate_count);
  }
  if (run.errors.reference_words > 0) {
    text += StrFormat("  word error rate %.2f %% (%d of %d)\n", 100 * run.errors.rate(),
                      run.errors.errors, run.errors.reference_words);
  }
  return text;
}

nlohmann::ordered_json LiveBenchJson(const LiveBenchRun& run) {
  const DelayLog& log = run.log;
  auto lags = nlohmann::ordered_json::array();
  for (const DelayLog::Lag& lag : log.lags()) lags.push_back({lag.at_s, lag.lag_s});
  nlohmann::ordered_json json = {{"policy", run.policy},
                                 {"text", log.text()},
                                 {"audio_s", run.audio_s},
                                 {"busy_s", run.busy_s},
                                 {"cpu_s", run.cpu_s},
                                 {"word_delay_aware", Json(log.aware())},
                                 {"word_delay_unaware", Json(log.unaware())},
                                 {"end_of_speech_to_final", Json(log.finals())},
                                 {"lag", Json(log.lag_figures())},
                                 {"lag_over_time_s", lags},
                                 {"utterances", log.utterance_count()},
                                 {"words", log.word_count()},
                                 {"revisions", log.revision_count()},
                                 {"revisions_per_word", RevisionsPerWord(log)},
                                 {"committed_text_changed", log.broken_commits()},
                                 {"updates", run.update_count},
                                 {"dropped_updates", run.dropped_count},
                                 {"gates", run.gate_count},
                                 {"closed_gates", run.closed_gate_count}};
  if (run.errors.reference_words > 0) json["word_error_rate"] = run.errors.rate();
  return json;
}

}  // namespace espalier::cli
