#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "apps/cli/program.h"

namespace {

// A standard stream that was closed would be taken by the next file that is opened, and messages
// would go into it. In its place comes /dev/null the wrong way round, so that using it fails.
void HoldStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    const int held = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    (void)held;  // the lowest free descriptor: fd itself
  }
}

}  // namespace

int main(int argc, char** argv) {
  HoldStandardStreams();
  ::signal(SIGPIPE, SIG_IGN);  // a pipe that nobody reads is an error of writing
  espalier::cli::Console console({});
  return espalier::cli::RunProgram(argc, argv, &console);
}
