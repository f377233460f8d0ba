// A microphone as the source of a live session.
#include <chrono>
#include <thread>
#include <utility>

#include "apps/cli/live/live_source.h"
#include "apps/cli/live/microphone.h"

namespace espalier::cli {
namespace {

constexpr std::chrono::milliseconds kShortWait{10};
constexpr std::chrono::milliseconds kReopenWait{300};

class HeardMicrophone final : public LiveSource {
 public:
  HeardMicrophone(std::unique_ptr<Microphone> microphone, Console* console)
      : microphone_(std::move(microphone)), console_(console) {}

  Result<std::vector<float>> Next() override {
    if (!warned_ && overrun_count() > 0) {
      console_->Warning(microphone_->name() +
                        ": sound comes faster than it is taken: some is lost");
      warned_ = true;
    }
    ESP_ASSIGN_OR_RETURN(std::vector<float> samples, microphone_->Read());
    if (!samples.empty()) return samples;
    if (stopped_) {
      ended_ = true;
    } else if (microphone_->alive()) {
      std::this_thread::sleep_for(kShortWait);
    } else {
      TryAgain();
    }
    return samples;
  }
  void Stop() override {
    stopped_ = true;
    microphone_->Close();
  }
  bool ended() const override { return ended_; }
  int64_t backlog_samples() const override { return microphone_->backlog_samples(); }
  int64_t overrun_count() const override { return microphone_->overrun_count(); }
  double lost_s() const override { return microphone_->lost_s(); }
  bool TakeBreak() override { return std::exchange(broke_off_, false); }

 private:
  void TryAgain() {
    if (!gone_) {
      console_->Warning(microphone_->name() + ": is gone; waiting for it");
      gone_ = broke_off_ = true;
      return;  // what was said is shown before anything else
    }
    if (microphone_->Reopen().ok()) {
      console_->Notice(microphone_->name() + ": listening again");
      gone_ = false;
    } else {
      std::this_thread::sleep_for(kReopenWait);
    }
  }

  std::unique_ptr<Microphone> microphone_;
  Console* console_;
  bool gone_ = false, broke_off_ = false, warned_ = false, stopped_ = false, ended_ = false;
};

}  // namespace

Result<std::unique_ptr<LiveSource>> ListenTo(const std::string& device, int sample_rate,
                                             Console* console) {
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<Microphone> microphone,
                       Microphone::Open(device, sample_rate));
  console->Notice(microphone->name() + ": listening; Ctrl-C ends");
  return std::unique_ptr<LiveSource>(
      std::make_unique<HeardMicrophone>(std::move(microphone), console));
}

}  // namespace espalier::cli
