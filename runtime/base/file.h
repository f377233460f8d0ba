// Whole-file reads with a size bound, read-only memory maps, and writes that leave a whole file or
// none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/status.h"

namespace espalier {

// Reads `path` entirely. Errors: kNotFound; kCorrupt when longer than `max_bytes`.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

// A read-only mapping of a whole file; unmapped on destruction. Thread-safe after opening.
class MappedFile {
 public:
  // Errors: kNotFound, kCorrupt (empty or not a regular file).
  static Result<std::unique_ptr<MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return {data_, size_bytes_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, const uint8_t* data, size_t size_bytes)
      : path_(std::move(path)), data_(data), size_bytes_(size_bytes) {}
  std::string path_;
  const uint8_t* data_;
  size_t size_bytes_;
};

// Writes to a temporary file beside `path` and renames it, so that an interruption leaves the old
// file or none. Special files (/dev/stdout, a pipe) are written directly. Errors: kUnwritable.
Status WriteFileAtomically(const std::string& path, std::string_view bytes);

// True when `path` names an existing file or folder.
bool PathExists(const std::string& path);

}  // namespace espalier
