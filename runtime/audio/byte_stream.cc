#include "runtime/audio/byte_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace espalier {

void UniqueFd::Reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<size_t> ByteStream::Read(std::span<uint8_t> out) {
  if (out.empty()) return size_t{0};
  size_t count = std::min(out.size(), peeked_.size() - peeked_start_);
  if (count > 0) {
    std::memcpy(out.data(), peeked_.data() + peeked_start_, count);
    peeked_start_ += count;
  } else {
    if (at_end_) return size_t{0};
    const auto more = ReadMore(out);
    at_end_ = !more.ok() || *more == 0;
    if (!more.ok()) return more.status();
    count = *more;
  }
  position_ += static_cast<int64_t>(count);
  return count;
}

Result<std::span<const uint8_t>> ByteStream::Peek(size_t count) {
  peeked_.erase(peeked_.begin(), peeked_.begin() + static_cast<ptrdiff_t>(peeked_start_));
  peeked_start_ = 0;
  while (peeked_.size() < count && !at_end_) {
    const size_t have = peeked_.size();
    peeked_.resize(count);
    const auto more = ReadMore(std::span(peeked_).subspan(have));
    peeked_.resize(have + (more.ok() ? *more : 0));
    at_end_ = !more.ok() || *more == 0;
    if (!more.ok()) return more.status();
  }
  return std::span<const uint8_t>(peeked_).first(std::min(count, peeked_.size()));
}

Result<size_t> ByteStream::ReadFully(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    ESP_ASSIGN_OR_RETURN(const size_t count, Read(out.subspan(done)));
    if (count == 0) break;
    done += count;
  }
  return done;
}

Result<size_t> FdByteStream::ReadMore(std::span<uint8_t> out) {
  for (;;) {
    const ssize_t count = ::read(fd_.get(), out.data(), out.size());
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return InvalidArgument(name_ + ": " + std::strerror(errno));
  }
}

}  // namespace espalier
