#include "apps/cli/live/delay_log.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace espalier::cli {
namespace {

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

}  // namespace

DelayFigures FiguresOf(std::vector<double> delays) {
  DelayFigures figures;
  figures.count = static_cast<int>(delays.size());
  if (delays.empty()) return figures;
  std::sort(delays.begin(), delays.end());
  const auto at = [&](size_t percent) { return delays[(delays.size() - 1) * percent / 100]; };
  figures.mean =
      std::accumulate(delays.begin(), delays.end(), 0.0) / static_cast<double>(delays.size());
  figures.p50 = at(50);
  figures.p95 = at(95);
  figures.max = delays.back();
  return figures;
}

DelayFigures DelayLog::lag_figures() const {
  std::vector<double> lags;
  for (const Lag& each : lags_) lags.push_back(each.lag_s);
  return FiguresOf(std::move(lags));
}

void DelayLog::AddLag(double audio_s, double now_s) {
  const double at_s = session_begin_s_ + audio_s, lag_s = std::max(now_s - audio_s, 0.0);
  if (lags_.empty() || std::floor(at_s) > std::floor(lags_.back().at_s)) {
    lags_.push_back({at_s, lag_s});
  } else if (lag_s > lags_.back().lag_s) {
    lags_.back() = {at_s, lag_s};
  }
}

void DelayLog::NextSession() {
  open_.clear();
  speech_end_s_.clear();
  if (!lags_.empty()) session_begin_s_ = std::floor(lags_.back().at_s) + 1;
}

void DelayLog::Add(const LiveEvent& event, double now_s) {
  if (event.type == LiveEventType::kSpeechEnd) {
    speech_end_s_[event.utterance_id] = Seconds(event.t1_ms);
    return;
  }
  const bool final = event.type == LiveEventType::kFinal;
  if (!final && event.type != LiveEventType::kPartial) return;
  Open& open = open_[event.utterance_id];
  if (!event.committed.starts_with(open.committed)) ++broken_;
  open.committed = event.committed;
  while (open.words.size() < event.words.size()) {
    open.words.push_back({now_s, Seconds(event.input_ms)});
  }
  if (!final) return;
  for (size_t i = 0; i < event.words.size(); ++i) {
    const double end_s = Seconds(event.words[i].t1_ms);
    aware_s_.push_back(open.words[i].now_s - end_s);
    unaware_s_.push_back(open.words[i].input_s - end_s);
  }
  // Finals at a cut have no end of speech.
  if (const auto end = speech_end_s_.find(event.utterance_id); end != speech_end_s_.end()) {
    final_s_.push_back(now_s - end->second);
    speech_end_s_.erase(end);
  }
  revisions_ += event.revision;
  if (!text_.empty() && !event.committed.empty()) text_ += ' ';
  text_ += event.committed;
  open_.erase(event.utterance_id);
}

}  // namespace espalier::cli
