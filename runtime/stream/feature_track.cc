#include "runtime/stream/feature_track.h"

#include <algorithm>

#include "runtime/base/check.h"

namespace espalier {
namespace {

// Erasing moves the rest: not for every frame.
constexpr int64_t kDroppedAtOnce = 100;

}  // namespace

std::span<const float> FeatureTrack::Frames(int64_t from, int64_t to) const {
  ESP_DCHECK(from >= begin_ && from <= to && to <= end());
  return std::span<const float>(values_).subspan(static_cast<size_t>(from - begin_) * Mels(),
                                                 static_cast<size_t>(to - from) * Mels());
}

void FeatureTrack::DropBefore(int64_t frame) {
  const int64_t count = std::min(frame, end()) - begin_;
  if (count < kDroppedAtOnce) return;
  values_.erase(values_.begin(), values_.begin() + count * static_cast<int64_t>(Mels()));
  begin_ += count;
}

}  // namespace espalier
