#include "runtime/capi/audio.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "runtime/audio/mono_resampler.h"
#include "runtime/audio/pcm_source.h"
#include "runtime/base/string_format.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"

struct esp_resampler {
  std::unique_ptr<espalier::MonoResampler> resampler;
};

using namespace espalier;        // NOLINT(google-build-using-namespace): the C interface's names
using namespace espalier::capi;  // NOLINT(google-build-using-namespace): are all prefixed

namespace {

class GivenSamples final : public AudioReader {
 public:
  explicit GivenSamples(std::span<const float> samples) : samples_(samples) {}

  Result<size_t> Read(std::span<float> out) override {
    const size_t count = std::min(out.size(), samples_.size() - position_);
    std::copy_n(samples_.begin() + static_cast<std::ptrdiff_t>(position_), count, out.begin());
    position_ += count;
    return count;
  }
  std::optional<int64_t> total_samples() const override {
    return static_cast<int64_t>(samples_.size());
  }
  std::string warning() const override { return {}; }

 private:
  std::span<const float> samples_;
  size_t position_ = 0;
};

class GivenReader final : public AudioReader {
 public:
  GivenReader(esp_audio_read_fn read, void* user, int64_t total_samples)
      : read_(read), user_(user), total_samples_(total_samples) {}

  Result<size_t> Read(std::span<float> out) override {
    if (out.empty()) return size_t{0};
    const auto asked = static_cast<int64_t>(out.size());
    const int64_t count = read_(user_, out.data(), asked);
    if (count < 0 || count > asked) return InvalidArgument("the audio's reader failed");
    ESP_RETURN_IF_ERROR(CheckSamples(out.first(static_cast<size_t>(count))));
    return static_cast<size_t>(count);
  }
  std::optional<int64_t> total_samples() const override {
    return total_samples_ < 0 ? std::nullopt : std::optional(total_samples_);
  }
  std::string warning() const override { return {}; }

 private:
  esp_audio_read_fn read_;
  void* user_;
  int64_t total_samples_;
};

}  // namespace

extern "C" {

void esp_audio_options_init(esp_audio_options* options) {
  Initialize(options);
  if (options == nullptr) return;
  const AudioOptions defaults;
  options->sample_rate = defaults.sample_rate;
  options->raw_sample_rate = defaults.raw_sample_rate;
  options->raw_channels = defaults.raw_channels;
}

esp_status esp_audio_open(const char* path, const esp_audio_options* options, esp_audio** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (path == nullptr || out == nullptr) return InvalidArgument("path or audio is null");
    esp_audio_options own;
    esp_audio_options_init(&own);
    ESP_RETURN_IF_ERROR(ReadStruct(options, &own));
    auto audio = std::make_unique<esp_audio>();
    audio->sample_rate = own.sample_rate;
    ESP_ASSIGN_OR_RETURN(audio->reader, AudioReader::Open({.path = path,
                                                           .sample_rate = own.sample_rate,
                                                           .raw_sample_rate = own.raw_sample_rate,
                                                           .raw_channels = own.raw_channels}));
    *out = audio.release();
    return OkStatus();
  });
}

esp_status esp_audio_open_samples(const float* samples, size_t count, esp_audio** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if ((samples == nullptr && count > 0) || out == nullptr) {
      return InvalidArgument("samples or audio is null");
    }
    ESP_RETURN_IF_ERROR(CheckSamples({samples, count}));
    auto audio = std::make_unique<esp_audio>();
    audio->reader = std::make_unique<GivenSamples>(std::span(samples, count));
    *out = audio.release();
    return OkStatus();
  });
}

esp_status esp_audio_open_reader(esp_audio_read_fn read, void* user, int64_t total_samples,
                                 esp_audio** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (read == nullptr || out == nullptr) return InvalidArgument("read or audio is null");
    auto audio = std::make_unique<esp_audio>();
    audio->reader = std::make_unique<GivenReader>(read, user, total_samples);
    *out = audio.release();
    return OkStatus();
  });
}

void esp_audio_close(esp_audio* audio) { delete audio; }

esp_status esp_audio_read(esp_audio* audio, float* into, size_t count, size_t* read) {
  if (read != nullptr) *read = 0;
  return Guard([&]() -> Status {
    if (audio == nullptr || read == nullptr || (into == nullptr && count > 0)) {
      return InvalidArgument("audio, samples or count is null");
    }
    ESP_ASSIGN_OR_RETURN(*read, audio->reader->Read({into, count}));
    return OkStatus();
  });
}

int64_t esp_audio_total_samples(const esp_audio* audio) {
  return audio != nullptr ? audio->reader->total_samples().value_or(-1) : -1;
}

esp_status esp_resampler_open(int32_t from_rate, int32_t to_rate, esp_resampler** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (out == nullptr) return InvalidArgument("resampler is null");
    for (const int32_t rate : {from_rate, to_rate}) {
      if (rate < kMinSampleRate || rate > kMaxSampleRate) {
        return InvalidArgument(
            StrFormat("a rate of %d Hz: %d to %d", rate, kMinSampleRate, kMaxSampleRate));
      }
    }
    auto resampler = std::make_unique<esp_resampler>();
    ESP_ASSIGN_OR_RETURN(resampler->resampler, MonoResampler::Create(from_rate, to_rate));
    *out = resampler.release();
    return OkStatus();
  });
}

void esp_resampler_close(esp_resampler* resampler) { delete resampler; }

esp_status esp_resample(esp_resampler* resampler, const float* in, size_t in_count, size_t* taken,
                        float* out, size_t out_count, size_t* given) {
  if (taken != nullptr) *taken = 0;
  if (given != nullptr) *given = 0;
  return Guard([&]() -> Status {
    if (resampler == nullptr || taken == nullptr || given == nullptr ||
        (in == nullptr && in_count > 0) || (out == nullptr && out_count > 0)) {
      return InvalidArgument("the resampler, samples or a count is null");
    }
    ESP_ASSIGN_OR_RETURN(const MonoResampler::Progress progress,
                         resampler->resampler->Process({in, in_count}, {out, out_count}));
    *taken = progress.taken;
    *given = progress.produced;
    return OkStatus();
  });
}

}  // extern "C"
