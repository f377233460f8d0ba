// Samples from a capture callback to the thread that decodes: one writer, one reader, no locks.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace espalier::cli {

// Write belongs to one thread, Read to one other; neither waits, allocates or locks.
class SampleRing {
 public:
  // Holds at least `capacity` samples.
  explicit SampleRing(size_t capacity) : samples_(std::bit_ceil(std::max<size_t>(capacity, 2))) {}

  // Takes what there is room for; the rest is lost and counted. Returns how many were taken.
  size_t Write(std::span<const float> in) {
    const uint64_t written = written_.load(std::memory_order_relaxed);
    const uint64_t read = read_.load(std::memory_order_acquire);
    const size_t room = samples_.size() - static_cast<size_t>(written - read);
    const size_t count = std::min(room, in.size());
    for (size_t i = 0; i < count; ++i) samples_[IndexOf(written + i)] = in[i];
    written_.store(written + count, std::memory_order_release);
    if (count < in.size()) {
      lost_.fetch_add(in.size() - count, std::memory_order_relaxed);
      overruns_.fetch_add(1, std::memory_order_relaxed);
    }
    return count;
  }

  // Fills `out` from its start; returns how many samples were there.
  size_t Read(std::span<float> out) {
    const uint64_t read = read_.load(std::memory_order_relaxed);
    const size_t count = std::min(out.size(), static_cast<size_t>(Size()));
    for (size_t i = 0; i < count; ++i) out[i] = samples_[IndexOf(read + i)];
    read_.store(read + count, std::memory_order_release);
    return count;
  }

  // Samples that wait; as the reader sees it.
  uint64_t Size() const {
    return written_.load(std::memory_order_acquire) - read_.load(std::memory_order_relaxed);
  }
  uint64_t lost_samples() const { return lost_.load(std::memory_order_relaxed); }
  uint64_t overrun_count() const { return overruns_.load(std::memory_order_relaxed); }

 private:
  size_t IndexOf(uint64_t position) const {
    return static_cast<size_t>(position) & (samples_.size() - 1);
  }

  std::vector<float> samples_;
  alignas(64) std::atomic<uint64_t> written_ = 0;  // in all
  alignas(64) std::atomic<uint64_t> read_ = 0;
  alignas(64) std::atomic<uint64_t> lost_ = 0;
  std::atomic<uint64_t> overruns_ = 0;
};

}  // namespace espalier::cli
