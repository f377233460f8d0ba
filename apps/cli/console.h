// The program's standard streams: results on one, everything said about them on the other.
//
// Goals: a write that fails is an error, messages are one line each (or one JSON object with
// --json), and a status line never mixes with either. Non-goals: colours, logging.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/status.h"

namespace espalier::cli {

enum class Verbosity { kQuiet, kNormal, kVerbose };

struct ConsoleOptions {
  int out_fd = 1;
  int err_fd = 2;
  Verbosity verbosity = Verbosity::kNormal;
  bool json = false;  // messages as JSON objects, one a line
};

// One thread.
class Console {
 public:
  explicit Console(const ConsoleOptions& options) : options_(options) {}
  ~Console() { ClearStatusLine(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void set_verbosity(Verbosity verbosity) { options_.verbosity = verbosity; }
  void set_json(bool json) { options_.json = json; }
  bool json() const { return options_.json; }

  // Writes results, unbuffered. Errors: kUnwritable (closed, full, nobody reads).
  Status Write(std::string_view text);

  // Messages. What cannot be written is lost: there is nowhere to say so.
  void Error(const Status& status);
  void Warning(const std::string& text);  // also when quiet: never silent
  void Notice(const std::string& text);   // unless quiet
  void Detail(const std::string& text);   // when verbose
  void Table(const std::string& text);    // several lines that the user asked for

  // True when a status line would be seen: standard error is a terminal that can erase lines, and
  // neither --quiet nor --json is given.
  bool HasStatusLine() const;
  int status_columns() const;
  // One line that the next message, result or status line takes the place of.
  void ShowStatusLine(const std::string& line);
  void ClearStatusLine();

 private:
  void Say(const char* kind, const std::string& text);

  ConsoleOptions options_;
  bool status_line_shown_ = false;
};

}  // namespace espalier::cli
