#include "apps/cli/live/keyboard.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>

namespace espalier::cli {
namespace {

// The terminal is one for the whole process, and so is what it was before.
termios before;
std::atomic<bool> changed = false;

}  // namespace

std::unique_ptr<Keyboard> Keyboard::Open() {
  if (::isatty(STDIN_FILENO) != 1 || ::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return {};
  if (::tcgetattr(STDIN_FILENO, &before) != 0) return {};
  termios single = before;
  single.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  single.c_cc[VMIN] = 0;
  single.c_cc[VTIME] = 0;
  changed = true;
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &single) == 0)
    return std::unique_ptr<Keyboard>(new Keyboard());
  changed = false;
  return {};
}

std::optional<char> Keyboard::Next() {
  pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLIN) == 0) return {};
  char key = 0;
  if (::read(STDIN_FILENO, &key, 1) != 1) return {};
  return key;
}

void Keyboard::Restore() {
  if (changed.exchange(false)) ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

}  // namespace espalier::cli
