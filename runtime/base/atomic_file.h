// A file that is written piece by piece and appears whole or not at all.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/status.h"

namespace espalier {

// Writes beside `path` under a temporary name; Commit renames. Destruction without Commit removes
// the temporary file. Special files (/dev/stdout, a pipe) are written directly. One thread.
class AtomicFile {
 public:
  // Errors: kUnwritable (a folder, no permission, ...).
  static Result<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Errors: kUnwritable; the file can then only be destroyed.
  Status Write(std::string_view bytes);
  // Puts the file in place, readable by all. At most once, after the last Write. Errors:
  // kUnwritable; the old file at `path`, if any, is then untouched.
  Status Commit();

 private:
  AtomicFile(std::string path, std::string temporary, int fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

  std::string path_;
  std::string temporary_;  // empty: `path_` itself is written
  int fd_;                 // -1 once closed
};

}  // namespace espalier
