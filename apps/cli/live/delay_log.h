// How late a live session's words are, on two clocks (conventions §2): of the audio that had been
// heard when a word was committed (computation-unaware), and of the time at which it was there
// (computation-aware).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apps/cli/live/live_event.h"

namespace espalier::cli {

// Of some delays, in seconds.
struct DelayFigures {
  double mean = 0, p50 = 0, p95 = 0, max = 0;
  int count = 0;
};
DelayFigures FiguresOf(std::vector<double> delays);

// Sessions one after another. Words are timed by where the session heard them in the end.
class DelayLog {
 public:
  struct Lag {
    double at_s, lag_s;
  };

  // now_s: when the event could be read, 0 where its session's audio began.
  void Add(const LiveEvent& event, double now_s);
  // How far the session is behind the present when it has done all it can with the first audio_s.
  // One value is kept for each second, its longest.
  void AddLag(double audio_s, double now_s);
  // Another session begins: utterances of the last one that are not final are forgotten.
  void NextSession();

  const std::string& text() const { return text_; }
  DelayFigures aware() const { return FiguresOf(aware_s_); }
  DelayFigures unaware() const { return FiguresOf(unaware_s_); }
  DelayFigures finals() const { return FiguresOf(final_s_); }  // behind the end of speech, aware
  DelayFigures lag_figures() const;
  int utterance_count() const { return static_cast<int>(final_s_.size()); }
  int word_count() const { return static_cast<int>(aware_s_.size()); }
  int revision_count() const { return revisions_; }       // of tentative text
  int broken_commits() const { return broken_; }          // committed text that changed: never
  const std::vector<Lag>& lags() const { return lags_; }  // over time, sessions in a row

 private:
  struct Emission {
    double now_s, input_s;
  };
  struct Open {
    std::string committed;
    std::vector<Emission> words;
  };

  std::map<int64_t, Open> open_;  // by utterance
  std::map<int64_t, double> speech_end_s_;
  std::vector<double> aware_s_, unaware_s_, final_s_;
  std::string text_;
  int revisions_ = 0, broken_ = 0;
  std::vector<Lag> lags_;
  double session_begin_s_ = 0;  // in lags_
};

}  // namespace espalier::cli
