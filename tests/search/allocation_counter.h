// How often this program has called operator new so far.
#pragma once

#include <cstddef>

namespace espalier {

size_t AllocationCount();

}  // namespace espalier
