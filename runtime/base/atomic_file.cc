#include "runtime/base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace espalier {
namespace {

Status LastError(const std::string& path) { return Unwritable(path + ": " + std::strerror(errno)); }

}  // namespace

Result<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return Unwritable(path + ": is a folder");
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return LastError(path);
    return std::unique_ptr<AtomicFile>(new AtomicFile(path, "", fd));
  }
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return LastError(path);
  return std::unique_ptr<AtomicFile>(new AtomicFile(path, std::move(temporary), fd));
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status AtomicFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return LastError(path_);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

Status AtomicFile::Commit() {
  if (!temporary_.empty() && ::fchmod(fd_, 0644) != 0) return LastError(path_);
  if (::close(std::exchange(fd_, -1)) != 0) return LastError(path_);
  if (temporary_.empty()) return OkStatus();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return LastError(path_);
  temporary_.clear();
  return OkStatus();
}

}  // namespace espalier
