#include "apps/cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "apps/cli/writers/json_values.h"
#include "apps/cli/writers/plain_text.h"
#include "runtime/base/env.h"

namespace espalier::cli {
namespace {

constexpr int kDefaultColumns = 80;

// False, with errno set, when something was left.
bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

Status Console::Write(std::string_view text) {
  if (text.empty()) return OkStatus();
  ClearStatusLine();
  if (WriteAll(options_.out_fd, text)) return OkStatus();
  return Unwritable(std::string("standard output: ") + std::strerror(errno));
}

void Console::Say(const char* kind, const std::string& text) {
  ClearStatusLine();
  if (options_.json) {
    WriteAll(options_.err_fd, DumpLine({{kind, {{"message", SingleLine(text)}}}}));
    return;
  }
  const std::string prefix = std::strcmp(kind, "notice") == 0 ? "" : std::string(kind) + ": ";
  WriteAll(options_.err_fd, "espalier: " + prefix + SingleLine(text) + "\n");
}

void Console::Error(const Status& status) {
  if (!options_.json) return Say("error", status.message());
  ClearStatusLine();
  WriteAll(options_.err_fd, DumpLine({{"error",
                                       {{"type", StatusCodeName(status.code())},
                                        {"message", SingleLine(status.message())},
                                        {"code", ExitCode(status.code())}}}}));
}

void Console::Warning(const std::string& text) { Say("warning", text); }

void Console::Notice(const std::string& text) {
  if (options_.verbosity != Verbosity::kQuiet) Say("notice", text);
}

void Console::Detail(const std::string& text) {
  if (options_.verbosity == Verbosity::kVerbose) Say("notice", text);
}

void Console::Table(const std::string& text) {
  ClearStatusLine();
  WriteAll(options_.err_fd, text);
}

bool Console::HasStatusLine() const {
  return options_.verbosity != Verbosity::kQuiet && !options_.json &&
         ::isatty(options_.err_fd) == 1 && GetEnv("TERM").value_or("dumb") != "dumb";
}

int Console::status_columns() const {
  winsize size{};
  if (::ioctl(options_.err_fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultColumns;
  return size.ws_col;
}

void Console::ShowStatusLine(const std::string& line) {
  if (!HasStatusLine()) return;
  WriteAll(options_.err_fd, "\r\x1b[K" + line);
  status_line_shown_ = true;
}

void Console::ClearStatusLine() {
  if (!status_line_shown_) return;
  WriteAll(options_.err_fd, "\r\x1b[K");
  status_line_shown_ = false;
}

}  // namespace espalier::cli
