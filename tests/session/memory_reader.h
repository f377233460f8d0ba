// Audio from memory.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/audio/audio_reader.h"

namespace espalier {

// Gives samples in small uneven pieces, as a pipe would.
class MemoryReader final : public AudioReader {
 public:
  explicit MemoryReader(std::vector<float> samples) : samples_(std::move(samples)) {}
  Result<size_t> Read(std::span<float> out) override {
    const size_t count = std::min({out.size(), samples_.size() - position_, size_t{1237}});
    std::copy_n(samples_.begin() + static_cast<std::ptrdiff_t>(position_), count, out.begin());
    position_ += count;
    return count;
  }
  std::optional<int64_t> total_samples() const override {
    return static_cast<int64_t>(samples_.size());
  }
  std::string warning() const override { return {}; }

 private:
  std::vector<float> samples_;
  size_t position_ = 0;
};

}  // namespace espalier
