// How far a batch is, as one line for a terminal.
#pragma once

#include <string>

#include "apps/cli/console.h"
#include "runtime/base/clock.h"

namespace espalier::cli {

struct ProgressState {
  std::string name = {};  // the file
  int index = 1;          // of count, from 1
  int count = 1;          // files
  double done_s = 0;      // audio behind us
  double total_s = 0;     // audio of the file; 0: unknown
  double elapsed_s = 0;   // wall time since the file's first sample
};

// "[2/5] talk.wav [#####.....]  42%  RTF 0.12  ETA 0:34", at most `columns` wide (the bar and then
// the name give way). The real-time factor is wall time per audio time.
std::string FormatProgress(const ProgressState& state, int columns);

// The progress of one file on a console; silent where there is no status line.
class Progress {
 public:
  // Shows `state`, whose time runs from here.
  Progress(Console* console, ProgressState state);
  ~Progress() { console_->ClearStatusLine(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(double done_s, double total_s);

 private:
  void Draw();

  Console* console_;
  ProgressState state_;
  Stopwatch watch_;
};

}  // namespace espalier::cli
