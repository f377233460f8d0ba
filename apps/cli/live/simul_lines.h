// Committed text as SimulStreaming writes it, so that evaluators made for it read ours.
//
// A line is a JSON object for the text that one update has added:
//   start, end       seconds, of the text's words
//   text             begins with a blank where it does not go on from a word before
//   words            [{start, end, text}], whose texts together are `text`
//   is_final         the utterance is over; its line may have no text
//   emission_time    seconds since the audio began, with the time that computation took
//   emission_time_unaware   the same by audio alone (ours)
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "apps/cli/live/live_event.h"

namespace espalier::cli {

// One session.
class SimulLines {
 public:
  // Lines with their ends, none or one. now_s: when the event could be read.
  std::string Add(const LiveEvent& event, double now_s);

 private:
  struct Said {
    size_t bytes = 0, words = 0;
  };
  std::map<int64_t, Said> said_;  // by utterance, of those that are not final
  bool anything_ = false;         // was said before
};

}  // namespace espalier::cli
