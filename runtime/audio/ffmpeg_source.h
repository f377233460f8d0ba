// What libsndfile does not read, through an `ffmpeg` process.
#pragma once

#include <memory>
#include <string>

#include "runtime/audio/byte_stream.h"
#include "runtime/audio/pcm_source.h"

namespace espalier {

// Decodes the first audio track of the regular file `fd` at its own rate and channel count. ffmpeg
// gets the open file as its standard input and never sees the name, so no name can be an option, a
// protocol or another file; formats that refer to other files (playlists) are refused.
// Errors: kUnsupported when there is no ffmpeg, kInvalidArgument when it fails.
Result<std::unique_ptr<PcmSource>> OpenFfmpeg(const std::string& name, const UniqueFd& fd);

}  // namespace espalier
