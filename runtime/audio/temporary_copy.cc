#include "runtime/audio/temporary_copy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "runtime/base/env.h"

namespace espalier {
namespace {

constexpr int64_t kMaxBytes = int64_t{8} << 30;

UniqueFd OpenNameless(const std::string& folder) {
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.valid()) return fd;
  // File systems without O_TMPFILE: a name that lives for an instant.
  std::string path = folder + "/espalier.XXXXXX";
  fd.Reset(::mkostemp(path.data(), O_CLOEXEC));
  if (fd.valid()) ::unlink(path.c_str());
  return fd;
}

}  // namespace

Result<UniqueFd> CopyToTemporaryFile(const std::string& name, ByteStream* stream) {
  const std::string folder = GetEnv("TMPDIR").value_or("/tmp");
  UniqueFd fd = OpenNameless(folder);
  const auto failed = [&] {
    return Exhausted(name + ": cannot be copied to " + folder + ": " + std::strerror(errno) +
                     "; give a file instead of a pipe");
  };
  if (!fd.valid()) return failed();
  std::vector<uint8_t> buffer(1 << 16);
  int64_t total = 0;
  for (;;) {
    ESP_ASSIGN_OR_RETURN(const size_t count, stream->Read(buffer));
    if (count == 0) break;
    total += static_cast<int64_t>(count);
    if (total > kMaxBytes) {
      return Exhausted(name + ": more than 8 GiB from a pipe; give a file instead");
    }
    for (size_t done = 0; done < count;) {
      const ssize_t written = ::write(fd.get(), buffer.data() + done, count - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return failed();
      done += static_cast<size_t>(written);
    }
  }
  return fd;
}

}  // namespace espalier
