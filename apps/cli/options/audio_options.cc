#include "apps/cli/options/audio_options.h"

#include <CLI/CLI.hpp>

#include "apps/cli/options/validators.h"

namespace espalier::cli {

void RawAudioOptions::AddTo(CLI::App& app) {
  app.add_option("--raw-sample-rate", sample_rate,
                 "Rate of headerless 16-bit samples from a pipe, in Hz")
      ->type_name("HZ")
      ->check(WholeBetween(1000, 768000))
      ->capture_default_str();
  app.add_option("--raw-channels", channels, "Channels of the same")
      ->type_name("N")
      ->check(WholeBetween(1, 64))
      ->capture_default_str();
}

Result<std::unique_ptr<AudioReader>> RawAudioOptions::Open(const std::string& path,
                                                           int rate) const {
  return AudioReader::Open({.path = path,
                            .sample_rate = rate,
                            .raw_sample_rate = sample_rate,
                            .raw_channels = channels});
}

Result<std::vector<float>> ReadStart(AudioReader& audio, int64_t count) {
  std::vector<float> samples(static_cast<size_t>(count));
  size_t have = 0;
  while (have < samples.size()) {
    ESP_ASSIGN_OR_RETURN(const size_t more, audio.Read(std::span(samples).subspan(have)));
    if (more == 0) break;
    have += more;
  }
  samples.resize(have);
  return samples;
}

}  // namespace espalier::cli
