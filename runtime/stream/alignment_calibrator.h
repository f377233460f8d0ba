// Finds the heads of a decoder's source attention that tell where in the audio a token is, which
// AlignAtt needs (commit_policy.h) and few models' files say.
//
// Clips of speech are decoded as a live session decodes them. Where their tokens were said is known
// from elsewhere: from CTC where the model has one, else roughly, the characters of the text spread
// evenly over the voiced audio. A head is as good as the steps that it looks at most are near to
// those. The best one is joined by others while the mean of all comes nearer. Non-goals: word
// times.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runtime/stream/live_decoder.h"

namespace espalier {

struct HeadDistance {
  int layer = 0;
  int head = 0;
  double distance_ms = 0;  // mean over tokens of how far it looks from them, at most kFarMs each
};

struct AlignmentChoice {
  std::vector<HeadDistance> heads = {};          // every head, the nearest first
  std::vector<std::pair<int, int>> chosen = {};  // (layer, head), rising
  double chosen_ms = 0;                          // distance of the mean of the chosen heads
  double present_ms = 0;                         // of those that the model uses now
  int token_count = 0;
};

// Not thread-safe. Holds what every head looked at: some MB for a clip.
class AlignmentCalibrator {
 public:
  static constexpr double kFarMs = 1000;

  // Errors: those of LiveDecoder::Create; kUnsupported (a model of another sample rate than 16
  // kHz).
  static Result<std::unique_ptr<AlignmentCalibrator>> Create(std::shared_ptr<Engine> engine);

  void set_stop(const std::stop_token& stop) { decoder_->set_stop(stop); }

  // Decodes a clip, samples at 16 kHz, of which it takes what a window holds; its text. Clips that
  // say nothing, or what CTC cannot align, count for nothing. `language` may be "auto". Errors:
  // kUnsupported (language), kCancelled, kDeviceLost.
  Result<std::string> Listen(std::span<const float> samples, const std::string& language);

  // Errors: kInvalidArgument when nothing was said in any clip.
  Result<AlignmentChoice> Choose() const;

 private:
  using Heads = std::vector<std::pair<int, int>>;

  struct Clip {
    size_t steps = 0;
    std::vector<double> truth = {};              // (tokens) steps
    std::vector<std::vector<float>> looks = {};  // (heads) of (tokens, steps)
  };

  AlignmentCalibrator(std::shared_ptr<Engine> engine, std::unique_ptr<LiveDecoder> decoder);
  // Where `tokens` are in the window of `samples`, in steps; empty when nobody knows.
  Result<std::vector<double>> TokenSteps(std::span<const float> samples,
                                         const std::vector<int>& tokens);
  Result<std::vector<double>> SpreadOverVoices(std::span<const float> samples,
                                               const std::vector<int>& tokens) const;
  size_t IndexOf(const std::pair<int, int>& head) const;
  double DistanceMs(const std::vector<size_t>& heads) const;

  std::shared_ptr<Engine> engine_;
  std::unique_ptr<LiveDecoder> decoder_;
  double step_ms_;
  std::vector<Clip> clips_;
};

}  // namespace espalier
