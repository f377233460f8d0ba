#include "runtime/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/base/atomic_file.h"
#include "runtime/base/file_pages.h"
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

 private:
  int fd_;
};

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
  const uint8_t* data = MapPages(fd.get(), 0, size);
  if (data == nullptr) return Exhausted(path + ": cannot be mapped: " + std::strerror(errno));
  return std::unique_ptr<MappedFile>(new MappedFile(path, data, size));
}

MappedFile::~MappedFile() { UnmapPages(data_, size_bytes_); }

Status WriteFileAtomically(const std::string& path, std::string_view bytes) {
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  ESP_RETURN_IF_ERROR(file->Write(bytes));
  return file->Commit();
}

bool PathExists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace espalier
