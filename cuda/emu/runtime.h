// Stand-ins for the CUDA runtime and cuBLASLt, linked instead of them: device memory is host
// memory, streams are immediate and in order, a graph is a list of closures.
//
// They check what the real ones check of their arguments as far as our backend can get it wrong:
// work that waits during a capture, shapes and alignments of products, leading dimensions.
#pragma once

#include <cstdint>

namespace espalier::emu {

// Allocations, streams, graphs and descriptors that were made and not destroyed.
int64_t LiveObjects();
void CountObject(int64_t change);

}  // namespace espalier::emu
