// How headerless samples on standard input are read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/audio/audio_reader.h"

namespace CLI {
class App;
}

namespace espalier::cli {

struct RawAudioOptions {
  int sample_rate = 16000;
  int channels = 1;

  void AddTo(CLI::App& app);
  // `path` at `rate`; errors as AudioReader::Open.
  Result<std::unique_ptr<AudioReader>> Open(const std::string& path, int rate) const;
};

// The first `count` samples, or all there are.
Result<std::vector<float>> ReadStart(AudioReader& audio, int64_t count);

}  // namespace espalier::cli
