// How far a batch is, as one line for a terminal.
#pragma once

#include <string>

#include "apps/cli/console.h"
#include "runtime/base/clock.h"

namespace espalier::cli {

struct ProgressState {
  std::string name;      // the file
  int index = 1;         // of count, from 1
  int count = 1;         // files
  double done_s = 0;     // audio behind us
  double total_s = 0;    // audio of the file; 0: unknown
  double elapsed_s = 0;  // wall time since the file's first sample
};

// "[2/5] talk.wav [#####.....]  42%  0.12x real time  ETA 0:34", at most `columns` wide (the bar
// and then the name give way). The real-time factor is wall time per audio time.
std::string FormatProgress(const ProgressState& state, int columns);

// The progress of one file on a console; silent where there is no status line.
class Progress {
 public:
  Progress(Console* console, std::string name, int index, int count);
  ~Progress() { console_->ClearStatusLine(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(double done_s, double total_s);
  // Shows the line again after a result took its place.
  void Redraw();

 private:
  Console* console_;
  ProgressState state_;
  Stopwatch watch_;
};

}  // namespace espalier::cli
