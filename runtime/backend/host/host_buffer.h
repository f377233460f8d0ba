// A Buffer in host memory, for the backends that compute there.
#pragma once

#include <memory>

#include "runtime/backend/backend.h"

namespace espalier {

// `size_bytes` zero bytes, page-aligned. Pages take memory only once they are written, so a
// key/value cache for the longest text costs what was said. Errors: kExhausted.
Result<std::unique_ptr<Buffer>> AllocateHostBuffer(size_t size_bytes);

// The machine's memory in bytes, or 0 when the system does not say.
int64_t HostMemoryBytes();

}  // namespace espalier
