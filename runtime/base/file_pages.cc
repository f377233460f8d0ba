#include "runtime/base/file_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <mutex>

namespace espalier {
namespace {

struct Mappings {
  std::mutex mutex;
  std::map<uintptr_t, uintptr_t> ends;  // by begin; guarded by mutex
};

// Never destroyed: a mapping may outlive every static object.
Mappings& AllMappings() {
  static auto* mappings = new Mappings;
  return *mappings;
}

uintptr_t AddressOf(const void* data) { return reinterpret_cast<uintptr_t>(data); }

}  // namespace

const uint8_t* MapPages(int fd, int64_t offset, size_t size_bytes) {
  void* data = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, fd, offset);
  if (data == MAP_FAILED) return nullptr;
  Mappings& mappings = AllMappings();
  const std::lock_guard<std::mutex> lock(mappings.mutex);
  mappings.ends[AddressOf(data)] = AddressOf(data) + size_bytes;
  return static_cast<const uint8_t*>(data);
}

void UnmapPages(const uint8_t* data, size_t size_bytes) {
  Mappings& mappings = AllMappings();
  const std::lock_guard<std::mutex> lock(mappings.mutex);
  mappings.ends.erase(AddressOf(data));
  ::munmap(const_cast<uint8_t*>(data), size_bytes);
}

void ReleasePages(const void* data, size_t size_bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (AddressOf(data) + page - 1) / page * page;
  const uintptr_t end = (AddressOf(data) + size_bytes) / page * page;
  if (begin >= end) return;
  Mappings& mappings = AllMappings();
  const std::lock_guard<std::mutex> lock(mappings.mutex);  // nobody unmaps meanwhile
  const auto next = mappings.ends.upper_bound(begin);
  if (next == mappings.ends.begin() || std::prev(next)->second < end) return;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace espalier
