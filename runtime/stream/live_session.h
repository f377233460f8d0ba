// Live decoding: samples in, in chunks of any size; events out.
//
// Goals: committed text only ever grows and does not depend on how the samples were cut into
// chunks; features are computed once; what is heard while nobody speaks never reaches the model;
// memory that does not grow with the stream. Non-goals: microphones and clocks. Everything happens
// at sample counts, on the thread that pushes.
//
// An utterance is decoded again every update_ms of audio, behind its committed text, which is a
// forced prefix. The commit policy says what more is certain (commit_policy.h). When nobody speaks
// the rest is decoded at once, so that it is there when the silence proves to be an end.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "runtime/stream/commit_policy.h"
#include "runtime/stream/feature_track.h"
#include "runtime/stream/live_context.h"
#include "runtime/stream/live_decoder.h"
#include "runtime/stream/live_event.h"
#include "runtime/stream/live_options.h"
#include "runtime/stream/speech_detector.h"
#include "runtime/stream/utterance.h"
#include "runtime/stream/window_past.h"

namespace espalier {

struct LiveStatus {
  int64_t input_ms = 0;       // audio taken so far
  int64_t update_count = 0;   // windows decoded
  int64_t dropped_count = 0;  // updates left out because the caller lagged
  int gate_look_count = 0;
  int64_t kept_ms = 0;  // audio whose features are held
  bool in_utterance = false;
  Timings timings = {};
};

// One stream; one thread at a time. Sessions of one engine may run at once.
class LiveSession {
 public:
  // Errors: kInvalidArgument (options), kUnsupported (a language or task the model does not have,
  // a model of another sample rate than 16 kHz, or of encoder steps of less than 1 ms).
  static Result<std::unique_ptr<LiveSession>> Create(std::shared_ptr<Engine> engine,
                                                     const LiveOptions& options);

  // Takes mono samples, full scale ±1, and does the work that is due. backlog_samples: audio that
  // already waits behind these. Where it is longer than an update's interval that update is left
  // out; shorter, and the tentative text is. Audio never is. Errors: kInvalidArgument (after
  // Finish), kCancelled, kDeviceLost: the samples are kept, and the next call goes on with them.
  Status Push(std::span<const float> samples, int64_t backlog_samples = 0);

  // Ends the utterance at hand, whatever the silence says; the stream goes on. Errors as Push.
  Status Flush();
  // Flush, then the end of the stream. Errors as Push; may be called again after one.
  Status Finish();
  // Forgets the stream: the clock is 0 again. Language, task and gates stay, ids go on.
  Status Reset();

  // Compiles what decoding needs and touches the weights, so that the first words do not wait for
  // it. Errors as Push.
  Status WarmUp();

  // The next event, oldest first; nothing when there is none. A partial that was not taken is
  // replaced by the next one of its utterance.
  std::optional<LiveEvent> Next();

  // Checked between the ops of every run, and between steps of audio, from here on.
  void set_stop(const std::stop_token& stop);
  // Language and task from the next update on. Errors: kUnsupported; nothing changes then.
  Status SetContext(const std::string& language, const std::string& task);
  // The gates are looked at again with the next window.
  void LookAtGatesAgain() { context_.LookAgain(); }

  LiveStatus status() const;

 private:
  enum class Extent { kPartial, kToEnd };

  LiveSession(std::shared_ptr<Engine> engine, const LiveOptions& options,
              std::unique_ptr<LiveDecoder> decoder);

  Status Drain();
  Status Step(std::span<const float> samples);
  Status Follow(EndpointChange change);
  void BeginUtterance(int64_t frame);
  Status UpdateIfDue();
  Status EndUtterance();
  bool IsLong() const;
  // Of `certain` tokens those up to the last sentence's end, where a long window shall be cut: what
  // was shown as committed stays in its utterance.
  int UpToACut(const std::vector<TimedToken>& tokens, int certain) const;
  Status CutIfLong();
  void CutAt(int64_t cut_ms);
  Status CutEverything();

  // Decodes the utterance's audio up to end_frame; the tokens behind what is committed.
  // Where the device fails, the CPU decodes the same window again.
  Result<std::vector<TimedToken>> DecodeTo(int64_t end_frame, Extent extent);
  Result<std::vector<TimedToken>> DecodeOnce(int64_t end_frame, Extent extent);
  // At how many steps of the utterance CTC hears a token in the encoded window, whose first frame
  // is `begin`; nothing where the model has no CTC.
  Result<std::optional<int>> StepsHeard(int64_t begin);
  // The furthest encoder step of the window that tokens which will stay look at.
  int HeardStep() const;
  int CertainTokens(const std::vector<TimedToken>& tokens);
  Status Refresh(Extent extent);
  // Whether `tokens`, an utterance's first, are no more than an invention to some sound.
  bool SaysNothing(std::span<const TimedToken> tokens) const;
  bool SentenceComplete() const;
  void Remember(const Utterance& utterance);
  // Utterances that began before `from_ms` leave the window; what they said precedes it from now
  // on.
  void LetPastGo(int64_t from_ms);
  int64_t WindowBeginMs() const;
  int64_t QuietestMs(int64_t from_ms, int64_t to_ms) const;

  void EmitPartial();
  void EmitFinal(const Utterance& utterance, int64_t end_ms);
  void Emit(LiveEvent event);

  int64_t FrameOf(int64_t step) const { return step * kVoiceFrameSamples / hop_samples_; }
  int64_t MsOfFrame(int64_t frame) const {
    return frame * hop_samples_ / (kVoiceSampleRate / 1000);
  }
  int64_t FrameOfMs(int64_t ms) const { return ms * (kVoiceSampleRate / 1000) / hop_samples_; }
  int64_t InputMs() const { return steps_ * kVoiceFrameSamples / (kVoiceSampleRate / 1000); }

  std::shared_ptr<Engine> engine_;
  const LiveOptions options_;
  std::unique_ptr<LiveDecoder> decoder_;
  std::unique_ptr<CommitPolicy> policy_;
  LiveContext context_;
  const int hop_samples_;

  // The stream.
  std::unique_ptr<SpeechDetector> detector_;
  std::unique_ptr<FeatureTrack> track_;
  std::optional<Endpointer> endpointer_;
  std::vector<float> waiting_;  // samples not yet taken
  std::stop_token stop_;
  int64_t steps_ = 0;  // of 10 ms, taken
  int64_t backlog_ms_ = 0;
  int64_t last_heartbeat_ms_ = 0;
  bool finishing_ = false, finished_ = false;

  // The utterance at hand.
  std::optional<Utterance> utterance_;
  int64_t last_update_ms_ = -1;  // end of the last window; -1: none yet
  bool decoded_to_end_ = false;  // its tentative text is that of the whole utterance
  bool ending_ = false;          // it is over; its final is still to be decoded
  int64_t end_frame_ = 0;        // of the audio that belongs to it, when ending
  LiveHypothesis last_hypothesis_;
  int content_steps_ = 0;           // of the last window
  std::optional<int> steps_heard_;  // StepsHeard of the last window, where it was asked

  WindowPast past_;
  std::vector<int> initial_;   // tokens of the initial prompt
  std::vector<int> previous_;  // tokens before the window
  int64_t previous_end_ms_ = 0;
  int64_t last_id_ = 0;
  int64_t update_count_ = 0, dropped_count_ = 0;
  std::deque<LiveEvent> events_;
};

}  // namespace espalier
