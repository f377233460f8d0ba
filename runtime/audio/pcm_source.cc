#include "runtime/audio/pcm_source.h"

#include "runtime/base/string_format.h"

namespace espalier {

Status CheckPcmFormat(const std::string& name, int sample_rate, int channels) {
  if (sample_rate < kMinSampleRate || sample_rate > kMaxSampleRate) {
    return InvalidArgument(StrFormat("%s: sample rate %d Hz, expected %d to %d", name.c_str(),
                                     sample_rate, kMinSampleRate, kMaxSampleRate));
  }
  if (channels < 1 || channels > kMaxChannels) {
    return InvalidArgument(
        StrFormat("%s: %d channels, expected 1 to %d", name.c_str(), channels, kMaxChannels));
  }
  return OkStatus();
}

std::string TruncationWarning(const std::string& name, double seconds, double promised_seconds) {
  return StrFormat("%s: ends after %.2f s though its header promises %.2f s", name.c_str(), seconds,
                   promised_seconds);
}

}  // namespace espalier
