#include "runtime/audio/voice_detector.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/string_format.h"
#include "webrtc/modules/audio_processing/include/audio_processing.h"

namespace espalier {
namespace {

using webrtc::AudioProcessing;
using webrtc::VoiceDetection;

constexpr std::array kLikelihoods = {
    VoiceDetection::kHighLikelihood, VoiceDetection::kModerateLikelihood,
    VoiceDetection::kLowLikelihood, VoiceDetection::kVeryLowLikelihood};

}  // namespace

struct VoiceDetector::State {
  std::unique_ptr<AudioProcessing> processing;
  std::array<float, kVoiceFrameSamples> in = {};
  std::array<float, kVoiceFrameSamples> out = {};
};

VoiceDetector::VoiceDetector(std::unique_ptr<State> state) : state_(std::move(state)) {}
VoiceDetector::~VoiceDetector() = default;

Result<std::unique_ptr<VoiceDetector>> VoiceDetector::Create(int strictness) {
  if (strictness < 0 || strictness >= static_cast<int>(kLikelihoods.size())) {
    return InvalidArgument(StrFormat("voice detector's strictness %d: 0 to 3", strictness));
  }
  auto state = std::make_unique<State>();
  state->processing.reset(AudioProcessing::Create());
  if (state->processing == nullptr) return Internal("the voice detector could not be made");
  VoiceDetection& detection = *state->processing->voice_detection();
  const bool ready =
      detection.Enable(true) == AudioProcessing::kNoError &&
      detection.set_likelihood(kLikelihoods[static_cast<size_t>(strictness)]) ==
          AudioProcessing::kNoError &&
      state->processing->Initialize(kVoiceSampleRate, kVoiceSampleRate, kVoiceSampleRate,
                                    AudioProcessing::kMono, AudioProcessing::kMono,
                                    AudioProcessing::kMono) == AudioProcessing::kNoError;
  if (!ready) return Internal("the voice detector refused its settings");
  return std::unique_ptr<VoiceDetector>(new VoiceDetector(std::move(state)));
}

bool VoiceDetector::Process(std::span<const float> samples) {
  ESP_DCHECK(samples.size() == state_->in.size());
  std::transform(samples.begin(), samples.end(), state_->in.begin(), [](float sample) {
    return std::isfinite(sample) ? std::clamp(sample, -1.0f, 1.0f) : 0.0f;
  });
  const float* in = state_->in.data();
  float* out = state_->out.data();
  const int error = state_->processing->ProcessStream(&in, state_->in.size(), kVoiceSampleRate,
                                                      AudioProcessing::kMono, kVoiceSampleRate,
                                                      AudioProcessing::kMono, &out);
  // With valid formats it has no error to give; were there one, no speech may be lost to it.
  if (error != AudioProcessing::kNoError) return true;
  return state_->processing->voice_detection()->stream_has_voice();
}

}  // namespace espalier
