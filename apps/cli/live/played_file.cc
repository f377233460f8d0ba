// Files and pipes as sources of a live session.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>

#include "apps/cli/live/live_source.h"

namespace espalier::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChunkMs = 20;
constexpr std::chrono::milliseconds kLongestWait{50};

size_t ChunkSamples(int sample_rate) { return static_cast<size_t>(sample_rate * kChunkMs / 1000); }

class FastFile final : public LiveSource {
 public:
  FastFile(std::unique_ptr<Audio> audio, int sample_rate)
      : audio_(std::move(audio)), chunk_samples_(ChunkSamples(sample_rate)) {}

  Result<std::vector<float>> Next() override {
    std::vector<float> samples(ended_ ? 0 : chunk_samples_);
    if (ended_) return samples;
    ESP_ASSIGN_OR_RETURN(const size_t count, audio_->Read(samples));
    samples.resize(count);
    ended_ = count == 0;
    return samples;
  }
  void Stop() override { ended_ = true; }
  bool ended() const override { return ended_; }
  int64_t backlog_samples() const override { return 0; }

 private:
  std::unique_ptr<Audio> audio_;
  const size_t chunk_samples_;
  bool ended_ = false;
};

// A thread reads, so that a pipe which nobody writes to holds nothing up, and what waits is
// counted. That thread owns what it touches: blocked in a read, it is left behind.
class PacedFile final : public LiveSource {
 public:
  PacedFile(std::unique_ptr<Audio> audio, int sample_rate)
      : most_samples_(std::ptrdiff_t{sample_rate} * 3 / 10),
        shared_(std::make_shared<Shared>()) {
    std::thread(&PacedFile::ReadAll, shared_, std::move(audio), sample_rate).detach();
  }
  ~PacedFile() override { Stop(); }

  Result<std::vector<float>> Next() override {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, kLongestWait, [&] {
      return !shared_->samples.empty() || shared_->read_all || shared_->stopped;
    });
    if (shared_->samples.empty()) {
      ended_ = shared_->read_all || shared_->stopped;
      ESP_RETURN_IF_ERROR(shared_->status);
    }
    // As a microphone gives it: what waits longer is backlog.
    std::vector<float>& waiting = shared_->samples;
    const auto end = waiting.begin() + std::min(std::ssize(waiting), most_samples_);
    std::vector<float> given(waiting.begin(), end);
    waiting.erase(waiting.begin(), end);
    return given;
  }
  void Stop() override {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopped = true;
    shared_->changed.notify_all();
  }
  bool ended() const override { return ended_; }
  int64_t backlog_samples() const override {
    const std::lock_guard lock(shared_->mutex);
    return std::ssize(shared_->samples);
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<float> samples;  // read, and not yet given
    Status status;
    bool read_all = false;
    bool stopped = false;
  };

  static void ReadAll(const std::shared_ptr<Shared>& shared, std::unique_ptr<Audio> audio,
                      int sample_rate) {
    const Clock::time_point start = Clock::now();
    std::vector<float> chunk(ChunkSamples(sample_rate));
    int64_t played = 0;
    for (;;) {
      const Result<size_t> count = audio->Read(chunk);
      played += count.ok() ? static_cast<int64_t>(*count) : 0;
      const auto due = start + std::chrono::microseconds(played * 1'000'000 / sample_rate);
      std::unique_lock lock(shared->mutex);
      shared->changed.wait_until(lock, due, [&] { return shared->stopped; });
      if (shared->stopped) return;
      if (count.ok() && *count > 0) {
        shared->samples.insert(shared->samples.end(), chunk.begin(),
                               chunk.begin() + static_cast<int64_t>(*count));
      } else {
        shared->status = count.ok() ? OkStatus() : count.status();
        shared->read_all = true;
      }
      shared->changed.notify_all();
      if (shared->read_all) return;
    }
  }

  const std::ptrdiff_t most_samples_;
  std::shared_ptr<Shared> shared_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<LiveSource> PlayPaced(std::unique_ptr<Audio> audio, int sample_rate) {
  return std::make_unique<PacedFile>(std::move(audio), sample_rate);
}

std::unique_ptr<LiveSource> PlayFast(std::unique_ptr<Audio> audio, int sample_rate) {
  return std::make_unique<FastFile>(std::move(audio), sample_rate);
}

}  // namespace espalier::cli
