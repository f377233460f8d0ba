#include "runtime/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Unwritable(std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

Status WriteDirectly(const std::string& path, std::string_view bytes) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.get() < 0) return Unwritable(path + ": " + std::strerror(errno));
  return WriteAll(fd.get(), bytes).WithContext(path);
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return NotFound(path + ": " + std::strerror(errno));
  std::string bytes;
  char chunk[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Corrupt(path + ": " + std::strerror(errno));
    if (n == 0) return bytes;
    bytes.append(chunk, static_cast<size_t>(n));
    if (bytes.size() > max_bytes) {
      return Corrupt(
          StrFormat("%s: longer than the %zu bytes such a file may have", path.c_str(), max_bytes));
    }
  }
}

Result<std::unique_ptr<MappedFile>> MappedFile::Open(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return NotFound(path + ": " + std::strerror(errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Corrupt(path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return Corrupt(path + ": not a regular file");
  if (info.st_size <= 0) return Corrupt(path + ": the file is empty");
  const auto size = static_cast<size_t>(info.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return Exhausted(path + ": cannot be mapped: " + std::strerror(errno));
  return std::unique_ptr<MappedFile>(new MappedFile(path, static_cast<const uint8_t*>(data), size));
}

MappedFile::~MappedFile() { ::munmap(const_cast<uint8_t*>(data_), size_bytes_); }

Status WriteFileAtomically(const std::string& path, std::string_view bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode)) return Unwritable(path + ": is a folder");
    return WriteDirectly(path, bytes);
  }
  std::string temporary = path + ".XXXXXX";
  FileDescriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (fd.get() < 0) return Unwritable(path + ": " + std::strerror(errno));
  Status status = WriteAll(fd.get(), bytes).WithContext(path);
  if (status.ok() && ::fchmod(fd.get(), 0644) != 0)
    status = Unwritable(path + ": " + std::strerror(errno));
  if (::close(fd.Release()) != 0 && status.ok())
    status = Unwritable(path + ": " + std::strerror(errno));
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = Unwritable(path + ": " + std::strerror(errno));
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

bool PathExists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace espalier
