// Bytes that come once and in order, with a look at those that come next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/status.h"

namespace espalier {

// Owns a file descriptor. -1: none.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  ~UniqueFd() { Reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Reset(int fd = -1);

 private:
  int fd_;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Up to out.size() bytes, as soon as there are any; 0 at the end (or for an empty `out`).
  Result<size_t> Read(std::span<uint8_t> out);

  // The next `count` bytes without taking them; fewer only at the end. Waits for them. The span is
  // valid until the next call.
  Result<std::span<const uint8_t>> Peek(size_t count);

  // Takes exactly out.size() bytes, or returns the smaller number that were left.
  Result<size_t> ReadFully(std::span<uint8_t> out);

  // Bytes taken so far.
  int64_t position() const { return position_; }

 protected:
  ByteStream() = default;
  // As Read, past the bytes that were peeked at. Not called again after 0 or an error.
  virtual Result<size_t> ReadMore(std::span<uint8_t> out) = 0;

 private:
  std::vector<uint8_t> peeked_;
  size_t peeked_start_ = 0;
  int64_t position_ = 0;
  bool at_end_ = false;
};

// A file descriptor from where it stands. `name` begins every message.
class FdByteStream : public ByteStream {
 public:
  FdByteStream(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

 private:
  Result<size_t> ReadMore(std::span<uint8_t> out) override;

  UniqueFd fd_;
  std::string name_;
};

}  // namespace espalier
