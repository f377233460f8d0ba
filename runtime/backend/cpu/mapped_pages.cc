#include "runtime/backend/cpu/mapped_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>

namespace espalier::cpu {
namespace {

// As /proc/self/maps has it: "begin-end r--p offset device inode path"; an inode is a file's.
bool LiesInReadOnlyFile(uintptr_t begin, uintptr_t end) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps(std::fopen("/proc/self/maps", "re"),
                                                             &std::fclose);
  if (maps == nullptr) return false;
  char line[512];
  while (std::fgets(line, sizeof(line), maps.get()) != nullptr) {
    uintptr_t map_begin = 0, map_end = 0;
    uint64_t inode = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " r--p %*x %*x:%*x %" SCNu64, &map_begin,
                    &map_end, &inode) == 3 &&
        map_begin <= begin && end <= map_end) {
      return inode != 0;
    }
  }
  return false;
}

}  // namespace

void ReleaseMappedPages(const void* data, size_t size_bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(data);
  const uintptr_t begin = (first + page - 1) / page * page;
  const uintptr_t end = (first + size_bytes) / page * page;
  if (begin >= end || !LiesInReadOnlyFile(begin, end)) return;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace espalier::cpu
