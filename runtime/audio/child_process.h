// A program whose standard output is read as a byte stream.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/audio/byte_stream.h"

namespace espalier {

// The end of the stream is an error unless the program ended with status 0. The program is killed
// if it still runs when this object goes, and is reaped in every case. Needs SIGCHLD not to be
// ignored. One thread.
class ChildProcess : public ByteStream {
 public:
  // Runs argv[0], looked up on the PATH, with exactly these arguments (no shell). Its standard
  // input is `stdin_fd`, which stays the caller's. It gets a process group of its own: an interrupt
  // from the terminal reaches the caller alone, who then drops this object. `name` begins every
  // message. Errors: kUnsupported when there is no such program, kExhausted when no process or pipe
  // can be made; reading: kInvalidArgument with the first line of what it wrote to standard error.
  static Result<std::unique_ptr<ChildProcess>> Start(std::string name,
                                                     const std::vector<std::string>& argv,
                                                     int stdin_fd);
  ~ChildProcess() override;

 private:
  ChildProcess(std::string name, std::string program, pid_t pid, UniqueFd output, UniqueFd errors);
  Result<size_t> ReadMore(std::span<uint8_t> out) override;
  void ReadErrors();
  Status Reap();

  std::string name_;
  std::string program_;
  pid_t pid_;  // 0 once reaped
  UniqueFd output_;
  UniqueFd errors_;
  std::string error_text_;  // the beginning of standard error
};

}  // namespace espalier
