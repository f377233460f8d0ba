// How headerless samples on standard input are read.
#pragma once

#include <memory>
#include <string>

#include "apps/cli/client/audio.h"

namespace CLI {
class App;
}

namespace espalier::cli {

struct RawAudioOptions {
  int sample_rate = 16000;
  int channels = 1;

  void AddTo(CLI::App& app);
  // `path` at `rate`; errors as Audio::Open.
  Result<std::unique_ptr<Audio>> Open(const std::string& path, int rate) const;
};

}  // namespace espalier::cli
