// Single keys from a terminal while a program runs.
#pragma once

#include <memory>
#include <optional>

namespace espalier::cli {

// Keys come without Enter and are not shown; Ctrl-C stays what it is. At most one at a time.
class Keyboard {
 public:
  // Null when standard input is no terminal, or not this program's to read.
  static std::unique_ptr<Keyboard> Open();
  ~Keyboard() { Restore(); }
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  // The next key that was pressed, if any; never waits.
  std::optional<char> Next();

  // The terminal as it was; for whoever ends the process without destructors. Any thread.
  static void Restore();

 private:
  Keyboard() = default;
};

}  // namespace espalier::cli
