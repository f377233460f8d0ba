#include "runtime/backend/host/host_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "runtime/base/check.h"
#include "runtime/base/string_format.h"

namespace espalier {
namespace {

class HostBuffer : public Buffer {
 public:
  HostBuffer(std::byte* data, size_t size_bytes, size_t mapped_bytes)
      : data_(data), size_bytes_(size_bytes), mapped_bytes_(mapped_bytes) {}
  ~HostBuffer() override { munmap(data_, mapped_bytes_); }
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

  size_t size_bytes() const override { return size_bytes_; }
  Status Write(size_t offset_bytes, std::span<const std::byte> bytes) override {
    ESP_DCHECK(offset_bytes + bytes.size() <= size_bytes_);
    std::copy(bytes.begin(), bytes.end(), data_ + offset_bytes);
    return OkStatus();
  }
  Status Read(size_t offset_bytes, std::span<std::byte> bytes) const override {
    ESP_DCHECK(offset_bytes + bytes.size() <= size_bytes_);
    std::copy_n(data_ + offset_bytes, bytes.size(), bytes.begin());
    return OkStatus();
  }
  std::byte* host() override { return data_; }

 private:
  std::byte* data_;
  size_t size_bytes_;
  size_t mapped_bytes_;
};

}  // namespace

Result<std::unique_ptr<Buffer>> AllocateHostBuffer(size_t size_bytes) {
  const size_t mapped_bytes = std::max<size_t>(size_bytes, 1);
  void* data =
      mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return Exhausted(StrFormat("no memory for a buffer of %zu bytes", size_bytes));
  }
  return std::unique_ptr<Buffer>(
      std::make_unique<HostBuffer>(static_cast<std::byte*>(data), size_bytes, mapped_bytes));
}

int64_t HostMemoryBytes() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? pages * page_bytes : 0;
}

}  // namespace espalier
