// A stream's log-mel frames by their number, each computed once; old ones are dropped.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/features/log_mel.h"

namespace espalier {

// Not thread-safe.
class FeatureTrack {
 public:
  // Borrows `log_mel`, which must outlive the track.
  explicit FeatureTrack(const LogMel& log_mel) : log_mel_(log_mel), stream_(log_mel) {}

  // Frame i stands for the samples around i · hop_length; the last one or two of a stream are
  // complete when the samples behind them are there.
  void Push(std::span<const float> samples) { stream_.Push(samples, &values_); }

  int64_t begin() const { return begin_; }
  int64_t end() const { return begin_ + static_cast<int64_t>(values_.size() / Mels()); }

  // (end - begin, mels) of frames that are there; valid until the next call that is not const.
  std::span<const float> Frames(int64_t begin, int64_t end) const;

  // Gives frames before `frame` up.
  void DropBefore(int64_t frame);

 private:
  size_t Mels() const { return static_cast<size_t>(log_mel_.config().mel_count); }

  const LogMel& log_mel_;
  StreamingLogMel stream_;
  std::vector<float> values_;
  int64_t begin_ = 0;
};

}  // namespace espalier
