#include "apps/cli/client/audio.h"

#include <algorithm>
#include <utility>

#include "apps/cli/client/c_status.h"

namespace espalier::cli {

Result<std::unique_ptr<Audio>> Audio::Open(const std::string& path,
                                           const esp_audio_options& options) {
  std::unique_ptr<Audio> audio(new Audio());
  ESP_RETURN_IF_ERROR(FromC(esp_audio_open(path.c_str(), &options, &audio->audio_)));
  return audio;
}

Result<std::unique_ptr<Audio>> Audio::Make(std::function<void(std::span<float>)> fill,
                                           int64_t total_samples) {
  std::unique_ptr<Audio> audio(new Audio());
  audio->fill_ = std::move(fill);
  audio->left_ = total_samples;
  ESP_RETURN_IF_ERROR(
      FromC(esp_audio_open_reader(&Audio::Fill, audio.get(), total_samples, &audio->audio_)));
  return audio;
}

int64_t Audio::Fill(void* user, float* into, int64_t count) {
  auto* self = static_cast<Audio*>(user);
  const int64_t given = std::min(count, self->left_);
  self->fill_({into, static_cast<size_t>(given)});
  self->left_ -= given;
  return given;
}

Result<size_t> Audio::Read(std::span<float> out) {
  size_t count = 0;
  ESP_RETURN_IF_ERROR(FromC(esp_audio_read(audio_, out.data(), out.size(), &count)));
  return count;
}

Result<std::vector<float>> Audio::ReadStart(int64_t count) {
  std::vector<float> samples(static_cast<size_t>(count));
  size_t have = 0;
  while (have < samples.size()) {
    ESP_ASSIGN_OR_RETURN(const size_t more, Read(std::span(samples).subspan(have)));
    if (more == 0) break;
    have += more;
  }
  samples.resize(have);
  return samples;
}

std::optional<int64_t> Audio::total_samples() const {
  const int64_t total = esp_audio_total_samples(audio_);
  return total < 0 ? std::nullopt : std::optional(total);
}

}  // namespace espalier::cli
