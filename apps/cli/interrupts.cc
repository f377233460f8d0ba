#include "apps/cli/interrupts.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>

#include "runtime/base/status.h"

namespace espalier::cli {
namespace {

// Work looks at its stop token between ops and tokens; a blocked read never does.
constexpr timespec kGrace{3, 0};
constexpr std::chrono::seconds kWritingGrace{1};

// Wakes the waiting thread up at the end. Nobody else sends it to us.
constexpr int kWakeSignal = SIGUSR2;

bool IsIgnored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Interrupts::Interrupts() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  if (!IsIgnored(SIGHUP)) sigaddset(&signals_, SIGHUP);
  sigaddset(&signals_, kWakeSignal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &old_mask_);
  waiter_ = std::jthread([this](const std::stop_token& leaving) { Wait(leaving); });
}

Interrupts::~Interrupts() {
  waiter_.request_stop();
  ::pthread_kill(waiter_.native_handle(), kWakeSignal);
  waiter_.join();
  ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

void Interrupts::Wait(const std::stop_token& leaving) {
  while (::sigwaitinfo(&signals_, nullptr) < 0 && errno == EINTR) {
  }
  if (leaving.stop_requested()) return;
  source_.request_stop();
  int signal = 0;
  do {
    signal = ::sigtimedwait(&signals_, nullptr, &kGrace);
  } while (signal < 0 && (errno == EINTR || patient_));
  if (leaving.stop_requested()) return;
  EndProcess();
}

void Interrupts::EndProcess() {
  if (::isatty(STDERR_FILENO) == 1) (void)!::write(STDERR_FILENO, "\n", 1);  // below a status line
  // Taken and not given back: what is being written is finished, and nothing else begins.
  (void)writing_.try_lock_for(kWritingGrace);
  if (before_end_) before_end_();
  ::_exit(ExitCode(StatusCode::kCancelled));
}

}  // namespace espalier::cli
