// A live session for whoever reads along.
//
// Finals are results: on standard output, a line each. What may still change goes to one line of a
// terminal that is written over: committed text plain, tentative text dim, behind a meter. JSON
// lines replace all of it.
#pragma once

#include <chrono>
#include <string>

#include "apps/cli/console.h"
#include "apps/cli/live/live_event.h"
#include "runtime/base/status.h"

namespace espalier::cli {

// What the meter shows.
struct LiveMeter {
  double level_db = -90;  // of the last samples, full scale 0
  int64_t lag_ms = 0;
  double real_time_factor = 0;
  int closed_gates = 0, gates = 0;
  int64_t overrun_count = 0;
  std::string context = {};  // what is decoded as what: "en"; empty: nothing is said about it
};

// "[####      ] x0.41 lag 0.3 s 12/54 gates closed en"
std::string MeterText(const LiveMeter& meter);

// Meter and text for a terminal of `columns`: the text's end stays, and of the tentative text (dim)
// as much as fits.
std::string StatusText(const LiveMeter& meter, const std::string& committed,
                       const std::string& tentative, int columns);

enum class LiveShows { kText, kJsonLines, kNothing };  // on standard output

// One thread.
class LiveView {
 public:
  LiveView(LiveShows shows, Console* console) : shows_(shows), console_(console) {}

  // Errors: kUnwritable (standard output).
  Status Show(const LiveEvent& event);
  // Writes the line over, some times a second; nothing where there is no terminal.
  void Refresh(const LiveMeter& meter);

 private:
  const LiveShows shows_;
  Console* console_;
  std::string committed_, tentative_;
  bool changed_ = true;  // since the line was written
  std::chrono::steady_clock::time_point refreshed_ = {};
};

}  // namespace espalier::cli
