// Audio files through libsndfile.
#pragma once

#include <memory>
#include <string>

#include "runtime/audio/byte_stream.h"
#include "runtime/audio/pcm_source.h"

namespace espalier {

// Opens the first `size` bytes of the regular file `fd`, which the source owns from then on; on
// error `fd` is untouched. `warning` is what the source will warn of, empty to let it find out.
// Never for RIFF files whose chunks were not checked: libsndfile 1.2.0 searches a LIST chunk for as
// many bytes as it says that it has, two minutes for a file of 58. Errors: kUnsupported when
// libsndfile does not know the format or calls the file malformed (another reader may do better),
// kInvalidArgument when rate or channels are out of range.
Result<std::unique_ptr<PcmSource>> OpenSndfile(const std::string& name, UniqueFd* fd, int64_t size,
                                               std::string warning);

}  // namespace espalier
