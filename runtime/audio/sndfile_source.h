// Audio files through libsndfile.
#pragma once

#include <memory>
#include <string>

#include "runtime/audio/byte_stream.h"
#include "runtime/audio/pcm_source.h"

namespace espalier {

// Opens the regular file `fd`, which the source owns from then on; on error `fd` is untouched, its
// offset aside. Errors: kUnsupported when libsndfile does not know the format or calls the file
// malformed (another reader may do better), kInvalidArgument when rate or channels are out of
// range.
Result<std::unique_ptr<PcmSource>> OpenSndfile(const std::string& name, UniqueFd* fd);

}  // namespace espalier
