#include "tests/stream/soak.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "runtime/stream/live_session.h"
#include "tests/stream/signals.h"

namespace espalier {
namespace {

constexpr double kSampleEveryS = 360;
constexpr double kSettledShare = 0.1;
constexpr size_t kChunkSamples = 1600;

double ResidentMegabytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Five minutes: three talks between rests, a stretch that is longer than any window, and sounds
// that are no speech.
std::vector<float> FiveMinutes() {
  std::vector<float> samples;
  for (int voice = 0; voice < 3; ++voice) {
    for (int turn = 0; turn < 8; ++turn) {
      Append(SpeechLike(0.8 + 0.3 * turn, voice), &samples);
      Append(Silence(0.3 + 0.2 * (turn % 4)), &samples);
    }
    Append(SpeechLike(12, voice), &samples);
  }
  for (const NamedSignal& signal : NonSpeech(4)) Append(signal.samples, &samples);
  const size_t all = size_t{300} * 16000;
  samples.resize(std::max(samples.size(), all));
  return samples;
}

double Relative(const std::vector<SoakSample>& samples, bool largest) {
  const auto settled = static_cast<size_t>(static_cast<double>(samples.size()) * kSettledShare);
  if (settled + 1 >= samples.size()) return 0;
  const double first = samples[settled].resident_mb;
  double extreme = first;
  for (size_t i = settled; i < samples.size(); ++i) {
    const double each = samples[i].resident_mb;
    extreme = largest ? std::max(extreme, each) : std::min(extreme, each);
  }
  return extreme / first - 1;
}

}  // namespace

double SoakReport::growth() const { return Relative(samples, true); }
double SoakReport::shrinkage() const { return std::max(0.0, -Relative(samples, false)); }

Result<SoakReport> RunSoak(const std::shared_ptr<Engine>& engine, double hours,
                           const std::vector<std::string>& languages,
                           const std::function<void(const SoakSample&)>& progress) {
  LiveOptions options;
  options.language = languages.front();
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<LiveSession> session,
                       LiveSession::Create(engine, options));
  const std::vector<float> talk = FiveMinutes();
  SoakReport report;
  double pushed_s = 0, next_sample_s = kSampleEveryS;
  for (int64_t round = 0; pushed_s < hours * 3600; ++round) {
    std::span<const float> rest(talk);
    while (!rest.empty()) {
      const auto chunk = rest.first(std::min(kChunkSamples, rest.size()));
      rest = rest.subspan(chunk.size());
      ESP_RETURN_IF_ERROR(session->Push(chunk));
      while (const auto event = session->Next()) {
        report.utterance_count += event->type == LiveEventType::kFinal ? 1 : 0;
      }
    }
    pushed_s += static_cast<double>(talk.size()) / 16000;
    ESP_RETURN_IF_ERROR(session->Flush());
    if (round % 12 == 11) ESP_RETURN_IF_ERROR(session->Reset());
    if (round % 4 == 3) {
      const auto index = static_cast<size_t>(round / 4) % languages.size();
      ESP_RETURN_IF_ERROR(session->SetContext(languages[index], "transcribe"));
    }
    if (pushed_s < next_sample_s) continue;
    next_sample_s += kSampleEveryS;
    report.samples.push_back({pushed_s, ResidentMegabytes()});
    if (progress) progress(report.samples.back());
  }
  return report;
}

}  // namespace espalier
