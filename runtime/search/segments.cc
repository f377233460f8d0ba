#include "runtime/search/segments.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/string_format.h"

namespace espalier {

namespace {

constexpr int64_t kFrameMs = 10;
constexpr int kFramesPerTime = 2;

// Python's round(seconds, 2), in milliseconds: exact on the binary value, halves to even. The
// product may round onto a half from either side; what it lost tells which.
int64_t RoundToHundredths(double seconds) {
  const double scaled = seconds * 100.0;
  const double lost = std::fma(seconds, 100.0, -scaled);
  const double below = std::floor(scaled);
  const double fraction = scaled - below;
  int64_t hundredths = static_cast<int64_t>(below);
  const bool is_half = fraction == 0.5;
  const bool up = is_half && (lost > 0.0 || (lost == 0.0 && hundredths % 2 != 0));
  if (fraction > 0.5 || up) ++hundredths;
  return hundredths * 10;
}

struct TimePosition {
  int position;  // in the tokens; their count for an end that was not said
  int time;      // the token
};

std::vector<TimePosition> FindTimes(std::span<const int> tokens, const OwsmTimeRules& rules) {
  std::vector<TimePosition> times;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (rules.IsTime(tokens[i])) times.push_back({static_cast<int>(i), tokens[i]});
  }
  // A lone start: the utterance fills the window.
  if (times.size() == 1) times.push_back({static_cast<int>(tokens.size()), rules.last_time});
  return times;
}

// Drops the start, or the utterance, that the next window shall hear again; returns its time.
int TakeNextStart(std::vector<TimePosition>* times, int end_time_threshold) {
  const size_t count = times->size();
  int next = times->back().time;
  if (count % 2 != 0) {
    times->pop_back();
  } else if (count > 2 && next > end_time_threshold) {
    next = (*times)[count - 2].time;
    times->resize(count - 2);
  }
  return next;
}

}  // namespace

std::vector<int> OwsmResultTokens(std::span<const int> hypothesis, int sos, int blank,
                                  std::vector<size_t>* positions) {
  std::vector<int> tokens;
  if (hypothesis.empty()) return tokens;
  const auto end = hypothesis.end() - 1;
  auto begin = std::find(hypothesis.begin(), end, sos);
  if (begin != end) ++begin;
  for (auto at = begin; at != end; ++at) {
    if (*at == blank) continue;
    tokens.push_back(*at);
    if (positions != nullptr) positions->push_back(static_cast<size_t>(at - hypothesis.begin()));
  }
  return tokens;
}

Result<OwsmSplit> SplitOwsmWindow(std::span<const int> tokens, const OwsmTimeRules& rules,
                                  const OwsmWindow& window) {
  if (window.start_samples < 0 || window.length_samples < 1 || window.sample_rate < 1 ||
      !(window.resolution_s > 0.0)) {
    return InvalidArgument(StrFormat(
        "window of %lld samples at %lld, %d Hz, times of %g s: expected positive numbers",
        static_cast<long long>(window.length_samples), static_cast<long long>(window.start_samples),
        window.sample_rate, window.resolution_s));
  }
  OwsmSplit split{.utterances = {}, .advance_samples = window.length_samples};
  std::vector<TimePosition> times = FindTimes(tokens, rules);
  if (times.empty()) return split;

  // The order of the operations is ESPnet's: each one rounds.
  const auto seconds = [&](int time) { return (time - rules.first_time) * window.resolution_s; };
  const double offset_s =
      static_cast<double>(window.start_samples) / static_cast<double>(window.sample_rate);
  const int next = TakeNextStart(&times, window.end_time_threshold);
  const auto advance = static_cast<int64_t>(std::nearbyint(seconds(next) * window.sample_rate));
  if (advance > 0) split.advance_samples = advance;
  for (size_t i = 0; i + 1 < times.size(); i += 2) {
    const int64_t start_ms = RoundToHundredths(seconds(times[i].time) + offset_s);
    const int64_t end_ms = RoundToHundredths(seconds(times[i + 1].time) + offset_s);
    split.utterances.push_back({start_ms, std::max(start_ms, end_ms),
                                TokenSpan{times[i].position + 1, times[i + 1].position}});
  }
  return split;
}

Result<WhisperSplit> SplitWhisperWindow(std::span<const int> tokens, const WhisperWindow& window,
                                        FunctionRef<bool(std::span<const int>)> has_words) {
  if (window.start_frames < 0 || window.length_frames < 1) {
    return InvalidArgument(StrFormat("window of %d frames at %lld: expected at least one frame",
                                     window.length_frames,
                                     static_cast<long long>(window.start_frames)));
  }
  const int count = static_cast<int>(tokens.size());
  const auto steps = [&](int i) {  // of 20 ms; negative: a text token
    return i < 0 || i >= count ? -1 : tokens[static_cast<size_t>(i)] - window.first_time;
  };
  WhisperSplit split{.segments = {}, .advance_frames = window.length_frames};
  const int64_t offset_ms = window.start_frames * kFrameMs;
  const auto add = [&](int64_t from_ms, int64_t to_ms, int begin, int end) {
    const auto span = tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    if (to_ms <= from_ms || !has_words(span)) return;
    split.segments.push_back({offset_ms + from_ms, offset_ms + to_ms, TokenSpan{begin, end}});
  };
  const auto step_ms = [](int step) { return int64_t{step} * kFramesPerTime * kFrameMs; };

  // Where two times follow each other one segment ends and the next begins.
  int begin = 0;
  const auto add_until = [&](int end) {
    add(step_ms(std::max(steps(begin), 0)), step_ms(std::max(steps(end - 1), 0)), begin, end);
    begin = end;
  };
  for (int i = 1; i < count; ++i) {
    if (steps(i - 1) >= 0 && steps(i) >= 0) add_until(i);
  }
  // One time at the very end: nothing is said after it.
  const bool single_ending = count >= 2 && steps(count - 2) < 0 && steps(count - 1) >= 0;
  if (begin == 0) {
    int last = 0;
    for (int i = 0; i < count; ++i) last = steps(i) >= 0 ? steps(i) : last;
    const int64_t duration_ms = last > 0 ? step_ms(last) : window.length_frames * kFrameMs;
    add(0, duration_ms, 0, count);
  } else if (single_ending) {
    add_until(count);
  } else if (const int heard = steps(begin - 1) * kFramesPerTime; heard > 0) {
    // What follows the last pair is not finished: the next window hears it again.
    split.advance_frames = heard;
  }
  return split;
}

}  // namespace espalier
