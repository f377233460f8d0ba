// A pipe's content as a file that can be searched.
#pragma once

#include <string>

#include "runtime/audio/byte_stream.h"

namespace espalier {

// Copies the rest of `stream`, which `name` calls in messages, to a file without a name in TMPDIR
// (or /tmp): it is gone when the descriptor is closed, also after a crash. Waits for the stream's
// end. Errors: the stream's own; kExhausted when the disk is full or after 8 GiB.
Result<UniqueFd> CopyToTemporaryFile(const std::string& name, ByteStream* stream);

}  // namespace espalier
