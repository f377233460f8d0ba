// Ctrl-C and its like: the first asks the work to stop, the second ends the process.
//
// Goals: whole files or none, exit status 130, and no way to be stuck: work that does not stop
// within a few seconds (a read that blocks for ever) is ended as by a second Ctrl-C.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace espalier::cli {

// Blocks SIGINT, SIGTERM and (unless ignored) SIGHUP in every thread made after it and waits for
// them in one of its own, so that no code runs inside a signal handler. At most one at a time; make
// it before other threads.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // Stops on a signal and on RequestStop.
  std::stop_token token() const { return source_.get_token(); }
  void RequestStop() { source_.request_stop(); }

  // From here on work may take its time to stop (the last words of a live session are decoded):
  // only a second signal ends the process.
  void WaitForSecondSignal() { patient_ = true; }
  // Called before a signal ends the process, by another thread: for what must not stay as it is,
  // such as a terminal's mode. Before signals may come.
  void set_before_end(std::function<void()> before_end) { before_end_ = std::move(before_end); }

  // Held while files are put in place: the process is not ended in the middle of that, unless it
  // takes longer than a second.
  std::timed_mutex& writing() { return writing_; }

 private:
  void Wait(const std::stop_token& leaving);
  [[noreturn]] void EndProcess();

  sigset_t signals_;
  sigset_t old_mask_;
  std::stop_source source_;
  std::timed_mutex writing_;
  std::atomic<bool> patient_ = false;
  std::function<void()> before_end_ = {};
  std::jthread waiter_;
};

}  // namespace espalier::cli
