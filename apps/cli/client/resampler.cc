#include "apps/cli/client/resampler.h"

#include "apps/cli/client/c_status.h"

namespace espalier::cli {

Result<std::unique_ptr<Resampler>> Resampler::Create(int from_rate, int to_rate) {
  esp_resampler* opened = nullptr;
  ESP_RETURN_IF_ERROR(FromC(esp_resampler_open(from_rate, to_rate, &opened)));
  return std::unique_ptr<Resampler>(new Resampler(opened));
}

Result<Resampler::Progress> Resampler::Process(std::span<const float> in, std::span<float> out) {
  Progress progress;
  ESP_RETURN_IF_ERROR(FromC(esp_resample(resampler_, in.data(), in.size(), &progress.taken,
                                         out.data(), out.size(), &progress.produced)));
  return progress;
}

}  // namespace espalier::cli
