// What the user named, as a list of audio files.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/console.h"
#include "apps/cli/options/audio_options.h"
#include "runtime/base/status.h"

namespace espalier::cli {

// Folders are replaced by the audio files directly in them, sorted by name. What in a folder is no
// audio (the reader decides) is left out with a notice; a file that is called like audio and cannot
// be read stays in, so that it is reported as failed. Hidden files are left out silently. Errors:
// kInvalidArgument (a folder without audio or that cannot be read, "-" twice).
Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& paths,
                                              const RawAudioOptions& raw, Console* console);

}  // namespace espalier::cli
