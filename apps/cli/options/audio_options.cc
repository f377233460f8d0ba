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

Result<std::unique_ptr<Audio>> RawAudioOptions::Open(const std::string& path, int rate) const {
  esp_audio_options options;
  esp_audio_options_init(&options);
  options.sample_rate = rate;
  options.raw_sample_rate = sample_rate;
  options.raw_channels = channels;
  return Audio::Open(path, options);
}

}  // namespace espalier::cli
