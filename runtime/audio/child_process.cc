#include "runtime/audio/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

constexpr size_t kKeptErrorBytes = 4096;
constexpr size_t kShownErrorBytes = 200;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// Both ends lie above the standard streams, even in a process that has closed those: otherwise
// the child's dup2 calls could overwrite each other.
bool MakePipe(Pipe* pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  const UniqueFd low_read(ends[0]), low_write(ends[1]);
  pipe->read_end.Reset(::fcntl(ends[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  pipe->write_end.Reset(::fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  return pipe->read_end.valid() && pipe->write_end.valid();
}

// Returns 0 or an errno value.
int Spawn(const std::vector<std::string>& argv, int in, int out, int err, pid_t* pid) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));  // exec's signature; not written to
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, broken_pipe;
  sigemptyset(&none);
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);  // a host may ignore it; the child must end by it
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int error =
      ::posix_spawnp(pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// The first line of `text` without control characters, shortened.
std::string FirstLine(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n' && !line.empty()) break;
    if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f') line += c;
    if (line.size() >= kShownErrorBytes) break;
  }
  return line;
}

}  // namespace

ChildProcess::ChildProcess(std::string name, std::string program, pid_t pid, UniqueFd output,
                           UniqueFd errors)
    : name_(std::move(name)),
      program_(std::move(program)),
      pid_(pid),
      output_(std::move(output)),
      errors_(std::move(errors)) {}

ChildProcess::~ChildProcess() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(std::string name,
                                                          const std::vector<std::string>& argv,
                                                          int stdin_fd) {
  Pipe output, errors;
  const UniqueFd input(::fcntl(stdin_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!input.valid() || !MakePipe(&output) || !MakePipe(&errors)) {
    return Exhausted(name + ": no pipe for " + argv[0] + ": " + std::strerror(errno));
  }
  pid_t pid = 0;
  const int error = Spawn(argv, input.get(), output.write_end.get(), errors.write_end.get(), &pid);
  if (error == ENOENT || error == EACCES) {
    return Unsupported(name + ": " + argv[0] + " is not on the PATH");
  }
  if (error != 0) {
    return Exhausted(name + ": " + argv[0] + " cannot be started: " + std::strerror(error));
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(
      std::move(name), argv[0], pid, std::move(output.read_end), std::move(errors.read_end)));
}

// Both pipes are watched together: a program that fills the one nobody reads would stop for ever.
Result<size_t> ChildProcess::ReadMore(std::span<uint8_t> out) {
  for (;;) {
    pollfd watched[2] = {{output_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return InvalidArgument(name_ + ": " + program_ + ": " + std::strerror(errno));
    }
    if (watched[1].revents != 0) ReadErrors();
    if (watched[0].revents == 0) continue;
    const ssize_t count = ::read(output_.get(), out.data(), out.size());
    if (count < 0 && errno == EINTR) continue;
    if (count > 0) return static_cast<size_t>(count);
    while (errors_.valid()) ReadErrors();
    ESP_RETURN_IF_ERROR(Reap());
    return size_t{0};
  }
}

// Takes what is there, waiting if nothing is. Closes errors_ at its end; poll skips it from then
// on.
void ChildProcess::ReadErrors() {
  char chunk[1024];
  const ssize_t count = ::read(errors_.get(), chunk, sizeof chunk);
  if (count < 0 && errno == EINTR) return;
  if (count <= 0) {
    errors_.Reset();
    return;
  }
  const size_t room = kKeptErrorBytes - error_text_.size();
  error_text_.append(chunk, std::min(room, static_cast<size_t>(count)));
}

Status ChildProcess::Reap() {
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  pid_ = 0;
  if (reaped > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return OkStatus();
  std::string reason = FirstLine(error_text_);
  if (reason.empty() && reaped < 0) reason = "its exit status is lost";
  if (reason.empty() && WIFSIGNALED(status)) {
    reason = StrFormat("ended by signal %d", WTERMSIG(status));
  }
  if (reason.empty()) reason = StrFormat("ended with status %d", WEXITSTATUS(status));
  return InvalidArgument(name_ + ": " + program_ + ": " + reason);
}

}  // namespace espalier
