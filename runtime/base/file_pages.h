// Mappings of files: private, read-only, and known, so that pages whose contents have been copied
// can be given back without asking whose they are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace espalier {

// Maps [offset, offset + size_bytes) of an open file, `offset` at the beginning of a page. Null:
// errno says why. Thread-safe, as the others.
const uint8_t* MapPages(int fd, int64_t offset, size_t size_bytes);
void UnmapPages(const uint8_t* data, size_t size_bytes);

// The memory of the whole pages in [data, data + size_bytes), if they lie in one mapping of
// MapPages: who reads them again has them from the file again. Other memory stays as it is.
void ReleasePages(const void* data, size_t size_bytes);

}  // namespace espalier
