// Gives back the memory of a file's mapping whose contents have been copied.
#pragma once

#include <cstddef>

namespace espalier::cpu {

// The whole pages in [data, data + size_bytes), if they lie in a mapping of a file that this
// process may only read: who reads them again has them from the file again. Other memory stays as
// it is.
void ReleaseMappedPages(const void* data, size_t size_bytes);

}  // namespace espalier::cpu
