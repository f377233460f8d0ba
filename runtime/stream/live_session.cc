#include "runtime/stream/live_session.h"

#include <algorithm>
#include <utility>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

// AlignAtt: looking this far back behind what was heard is no speech that goes on; with short
// windows the decoder soon says the beginning again.
constexpr int kRewindMs = 400;
constexpr int kStepMs = 10;
// Frames kept while nobody speaks, beyond what an utterance may begin before.
constexpr int kSpareMs = 500;
// What was said before an utterance stays in its window (window_past.h) over rests up to this, and
// from so long before it on.
constexpr int64_t kLongestRestMs = 2000, kLongestPastMs = 5000;
// The spectra of the last samples need some that follow.
constexpr int kFlushedSteps = 4;
constexpr size_t kWarmUpFrames = 100;

// Whisper was trained on half a minute of speech and the text before it, OWSM's models of windows
// of one length likewise. An OWSM model of true lengths was on single utterances: what is before
// one makes it say nonsense.
bool KnowsMoreThanOneUtterance(const ModelConfig& config) {
  return config.family == ModelFamily::kWhisper || !config.true_length;
}

Status CheckOptions(const LiveOptions& o, int window_ms) {
  const SilenceRules& s = o.silence;
  const bool tens = s.pre_roll_ms % kStepMs == 0 && s.longest_onset_ms % kStepMs == 0 &&
                    s.pause_ms % kStepMs == 0 && s.end_ms % kStepMs == 0 &&
                    s.end_unfinished_ms % kStepMs == 0;
  if (!tens || s.pre_roll_ms < 0 || s.longest_onset_ms < 0 || s.pause_ms < kStepMs ||
      s.end_ms < s.pause_ms || s.end_unfinished_ms < s.end_ms) {
    return InvalidArgument(
        "silence rules: multiples of 10 ms, 10 <= pause <= end <= end of an unfinished sentence");
  }
  if (o.update_ms < 100 || o.first_update_ms < 100 || o.guard_ms < 0 || o.heartbeat_ms < kStepMs) {
    return InvalidArgument(
        "updates: at least 100 ms; heartbeats: at least 10 ms; guard: not negative");
  }
  if (o.longest_window_ms < 1 || o.longest_window_ms >= window_ms) {
    return InvalidArgument(StrFormat("longest window: 1 to %d ms", window_ms - 1));
  }
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<LiveSession>> LiveSession::Create(std::shared_ptr<Engine> engine,
                                                         const LiveOptions& options) {
  const ModelConfig& config = engine->config();
  if (config.frontend.sample_rate != kVoiceSampleRate) {
    return Unsupported(StrFormat("%s: live sessions are for models of %d Hz, this one has %d",
                                 config.name.c_str(), kVoiceSampleRate,
                                 config.frontend.sample_rate));
  }
  LiveOptions checked = options;
  const auto window_ms = static_cast<int>(int64_t{SizesOf(config).frames} *
                                          config.frontend.hop_length / (kVoiceSampleRate / 1000));
  // Small windows are for tests; their options need not all be spelled out.
  checked.longest_window_ms = std::min(checked.longest_window_ms, window_ms * 4 / 5);
  checked.carry_text = checked.carry_text && KnowsMoreThanOneUtterance(config);
  ESP_RETURN_IF_ERROR(CheckOptions(checked, window_ms));
  const int padding = checked.encoder_padding_ms.value_or(LivePaddingMs(config));
  ESP_ASSIGN_OR_RETURN(
      std::unique_ptr<LiveDecoder> decoder,
      LiveDecoder::Create(engine, {.encoder_padding_ms = padding,
                                   .restrict_vocabulary = checked.restrict_vocabulary}));
  std::unique_ptr<LiveSession> session(
      new LiveSession(std::move(engine), checked, std::move(decoder)));
  ESP_RETURN_IF_ERROR(session->SetContext(checked.language, checked.task));
  if (!checked.initial_prompt.empty()) {
    ESP_ASSIGN_OR_RETURN(session->initial_,
                         session->engine_->tokenizer().Encode(" " + checked.initial_prompt));
  }
  ESP_RETURN_IF_ERROR(session->Reset());
  return session;
}

LiveSession::LiveSession(std::shared_ptr<Engine> engine, const LiveOptions& options,
                         std::unique_ptr<LiveDecoder> decoder)
    : engine_(std::move(engine)),
      options_(options),
      decoder_(std::move(decoder)),
      context_(engine_, options.language, options.task),
      hop_samples_(engine_->config().frontend.hop_length) {
  const int step_ms = static_cast<int>(MsOfFrame(decoder_->frames_per_step()));
  policy_ = options_.policy == LivePolicy::kLocalAgreement
                ? MakeLocalAgreement()
                : MakeAlignAtt(options_.guard_ms / step_ms, kRewindMs / step_ms);
}

Status LiveSession::Reset() {
  if (options_.detect_speech) {
    ESP_ASSIGN_OR_RETURN(detector_, SpeechDetector::Create(options_.strictness));
  }
  track_ = std::make_unique<FeatureTrack>(engine_->log_mel());
  endpointer_.emplace(options_.silence);
  utterance_.reset();
  past_.Clear();
  policy_->Forget();
  waiting_.clear();
  events_.clear();
  previous_ = initial_;
  steps_ = backlog_ms_ = last_heartbeat_ms_ = previous_end_ms_ = 0;
  finishing_ = finished_ = ending_ = false;
  return OkStatus();
}

void LiveSession::set_stop(const std::stop_token& stop) {
  stop_ = stop;
  decoder_->set_stop(stop);
}

Status LiveSession::SetContext(const std::string& language, const std::string& task) {
  ESP_RETURN_IF_ERROR(context_.Change(language, task));
  LetPastGo(InputMs());
  return OkStatus();
}

LiveStatus LiveSession::status() const {
  return {.input_ms = InputMs(),
          .update_count = update_count_,
          .dropped_count = dropped_count_,
          .gate_look_count = context_.look_count(),
          .kept_ms = MsOfFrame(track_->end() - track_->begin()),
          .in_utterance = utterance_.has_value(),
          .timings = decoder_->timings()};
}

Status LiveSession::Push(std::span<const float> samples, int64_t backlog_samples) {
  if (finishing_) return InvalidArgument("samples after the end of the stream");
  waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  backlog_ms_ = std::max<int64_t>(backlog_samples, 0) / (kVoiceSampleRate / 1000);
  return Drain();
}

Status LiveSession::Drain() {
  Status status;
  if (ending_) status = EndUtterance();
  size_t taken = 0;
  while (status.ok() && waiting_.size() - taken >= kVoiceFrameSamples) {
    if (stop_.stop_requested()) {
      status = Cancelled("the live session was stopped");
      break;
    }
    const auto step = std::span<const float>(waiting_).subspan(taken, kVoiceFrameSamples);
    taken += step.size();
    status = Step(step);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<int64_t>(taken));
  if (!status.ok() && status.code() != StatusCode::kCancelled) {
    Emit({.type = LiveEventType::kError, .t0_ms = InputMs(), .t1_ms = InputMs(), .status = status});
  }
  return status;
}

Status LiveSession::Step(std::span<const float> samples) {
  track_->Push(samples);
  ++steps_;
  const SpeechFrame frame = options_.detect_speech
                                ? detector_->Push(samples)
                                : SpeechFrame{.voiced = true, .speech = true, .begins = true};
  ESP_RETURN_IF_ERROR(Follow(endpointer_->Push(frame, SentenceComplete())));
  if (utterance_) {
    ESP_RETURN_IF_ERROR(UpdateIfDue());
  } else {
    const int64_t kept_ms =
        options_.silence.longest_onset_ms + options_.silence.pre_roll_ms + kSpareMs;
    if (InputMs() - previous_end_ms_ > kLongestRestMs) LetPastGo(InputMs());
    const int64_t needed = track_->end() - FrameOfMs(kept_ms);
    track_->DropBefore(past_.empty() ? needed : std::min(needed, FrameOfMs(past_.begin_ms())));
    if (InputMs() - last_heartbeat_ms_ >= options_.heartbeat_ms) {
      last_heartbeat_ms_ = InputMs();
      Emit({.type = LiveEventType::kSilence, .t0_ms = InputMs(), .t1_ms = InputMs()});
    }
  }
  return OkStatus();
}

Status LiveSession::Follow(EndpointChange change) {
  switch (change) {
    case EndpointChange::kNone:
      return OkStatus();
    case EndpointChange::kStart:
      BeginUtterance(FrameOf(endpointer_->start_frame()));
      return OkStatus();
    case EndpointChange::kPause:
      // Much waiting audio means that there is no time for what may turn out to be no end. A little
      // must not: without this the text of most utterances is decoded when their end is certain.
      return backlog_ms_ > options_.update_ms ? OkStatus() : Refresh(Extent::kToEnd);
    case EndpointChange::kResume:
      decoded_to_end_ = false;
      return OkStatus();
    case EndpointChange::kEnd:
      ending_ = true;
      end_frame_ = FrameOf(endpointer_->speech_end_frame() +
                           options_.silence.pause_ms / Endpointer::kFrameMs);
      return EndUtterance();
  }
  return OkStatus();
}

void LiveSession::BeginUtterance(int64_t frame) {
  // The utterance before may reach beyond the end of its speech, and owns that audio.
  const int64_t begin_ms = MsOfFrame(std::max(frame, track_->begin()));
  utterance_.emplace(++last_id_, std::max(begin_ms, previous_end_ms_));
  last_update_ms_ = -1;
  decoded_to_end_ = false;
  policy_->Forget();
  constexpr int64_t kContextLastsMs = 3000;
  LetPastGo(utterance_->begin_ms() -
            std::min<int64_t>(kLongestPastMs, options_.longest_window_ms / 2));
  const bool first = previous_end_ms_ == 0;
  if (!first &&
      (!options_.carry_text || utterance_->begin_ms() - previous_end_ms_ > kContextLastsMs)) {
    previous_.clear();
  }
  Emit({.type = LiveEventType::kSpeechStart,
        .utterance_id = utterance_->id(),
        .t0_ms = utterance_->begin_ms(),
        .t1_ms = utterance_->begin_ms()});
}

Status LiveSession::UpdateIfDue() {
  // The silence of a pause belongs to nothing yet.
  if (endpointer_->paused()) return OkStatus();
  const int64_t length_ms = InputMs() - utterance_->begin_ms();
  if (length_ms >= options_.longest_window_ms) return CutIfLong();
  // An update just before a pause would hold up the one that the pause brings, and with it the
  // final.
  if (endpointer_->falls_silent()) return OkStatus();
  const int64_t interval_ms =
      (std::max<int64_t>(options_.update_ms, length_ms / 10) + kStepMs - 1) / kStepMs * kStepMs;
  const int64_t due_ms = last_update_ms_ < 0 ? utterance_->begin_ms() + options_.first_update_ms
                                             : last_update_ms_ + interval_ms;
  if (InputMs() < due_ms) return OkStatus();
  if (backlog_ms_ > interval_ms) {
    last_update_ms_ = InputMs();
    ++dropped_count_;
    return OkStatus();
  }
  ESP_RETURN_IF_ERROR(Refresh(Extent::kPartial));
  return CutIfLong();
}

// Decodes what is there; in a pause as if nothing more came.
Status LiveSession::Refresh(Extent extent) {
  last_update_ms_ = InputMs();
  ESP_ASSIGN_OR_RETURN(std::vector<TimedToken> tokens, DecodeTo(track_->end(), extent));
  if (SaysNothing(tokens)) {
    tokens.clear();
    last_hypothesis_.tokens.clear();
  }
  int certain = UpToACut(tokens, CertainTokens(tokens));
  // Words that are not believed alone wait for what follows them.
  if (SaysNothing(std::span(tokens).first(static_cast<size_t>(certain)))) certain = 0;
  utterance_->Update(std::move(tokens), certain);
  decoded_to_end_ = extent == Extent::kToEnd;
  EmitPartial();
  return OkStatus();
}

int LiveSession::HeardStep() const {
  int64_t heard_ms = std::max(WindowBeginMs(), past_.HeardMs());
  for (const TimedToken& token : utterance_->committed()) {
    heard_ms = std::max(heard_ms, token.at_ms);
  }
  return static_cast<int>(FrameOfMs(heard_ms - WindowBeginMs()) / decoder_->frames_per_step());
}

int LiveSession::CertainTokens(const std::vector<TimedToken>& tokens) {
  const int certain =
      policy_->CertainTokens({.hypothesis = last_hypothesis_.tokens,
                              .committed_count = static_cast<int>(utterance_->committed().size()),
                              .content_steps = content_steps_,
                              .heard_step = HeardStep()});
  std::vector<int> ids;
  for (const TimedToken& token : tokens) ids.push_back(token.id);
  return decoder_->vocabulary().splitter().WholeWords(ids, certain, context_.language());
}

// All of it, so that a call after one that failed leaves nothing out. Where the endpointer has not
// ended the utterance this is a cut: the speech goes on, in the next one.
Status LiveSession::EndUtterance() {
  const bool cut = endpointer_->active();
  end_frame_ = std::min(end_frame_, track_->end());
  if (!decoded_to_end_) {
    ESP_ASSIGN_OR_RETURN(std::vector<TimedToken> tokens, DecodeTo(end_frame_, Extent::kToEnd));
    utterance_->Update(std::move(tokens), 0);
    decoded_to_end_ = true;
  }
  if (SaysNothing(utterance_->tentative())) utterance_->DropTentative();
  utterance_->CommitAll();
  const int64_t end_ms = std::max(MsOfFrame(end_frame_), utterance_->begin_ms());
  if (!cut) {
    const int64_t speech_end_ms = MsOfFrame(FrameOf(endpointer_->speech_end_frame()));
    Emit({.type = LiveEventType::kSpeechEnd,
          .utterance_id = utterance_->id(),
          .t0_ms = utterance_->begin_ms(),
          .t1_ms = std::clamp(speech_end_ms, utterance_->begin_ms(), end_ms)});
  }
  EmitFinal(*utterance_, end_ms);
  Remember(*utterance_);
  previous_end_ms_ = end_ms;
  last_heartbeat_ms_ = InputMs();
  utterance_.reset();
  ending_ = false;
  if (cut) {
    endpointer_->Cut();
    BeginUtterance(end_frame_);
    // Without silences nothing else lets go of what is behind.
    track_->DropBefore(FrameOfMs(WindowBeginMs()));
  }
  return OkStatus();
}

Status LiveSession::Flush() {
  ESP_RETURN_IF_ERROR(Drain());
  if (!utterance_ && endpointer_->StartEarly()) {
    BeginUtterance(FrameOf(endpointer_->start_frame()));
  }
  if (!utterance_) return OkStatus();
  endpointer_->End();
  ending_ = true;
  end_frame_ = track_->end();
  return Drain();
}

Status LiveSession::Finish() {
  if (finished_) return OkStatus();
  if (!finishing_) {
    ESP_RETURN_IF_ERROR(Drain());
    // What is left of a step is filled up with silence.
    const std::vector<float> silence(kVoiceFrameSamples - waiting_.size());
    if (!waiting_.empty()) waiting_.insert(waiting_.end(), silence.begin(), silence.end());
    finishing_ = true;
    ESP_RETURN_IF_ERROR(Drain());
    track_->Push(std::vector<float>(kFlushedSteps * kVoiceFrameSamples));
  }
  ESP_RETURN_IF_ERROR(Flush());
  finished_ = true;
  Emit({.type = LiveEventType::kEnd, .t0_ms = InputMs(), .t1_ms = InputMs()});
  return OkStatus();
}

Status LiveSession::WarmUp() {
  const ModelConfig& config = engine_->config();
  const std::vector<float> frames(kWarmUpFrames * static_cast<size_t>(config.frontend.mel_count));
  ESP_RETURN_IF_ERROR(decoder_->Embed(frames));
  const LanguageTokens languages = LanguagesOf(*engine_);
  const bool named = options_.language != "auto" || languages.names.empty();
  const Result<Context> context =
      ResolveContext(*engine_, named ? options_.language : languages.names[0], options_.task);
  if (named && context.ok()) decoder_->ExpectContext(*context);
  // The gates of the first context are known only when speech is there: all open will do.
  ESP_RETURN_IF_ERROR(decoder_->Encode(engine_->forced_gates().value_or(AllOpen(config))));
  if (!context.ok()) return OkStatus();  // the language that is heard may be another one
  return decoder_->Decode(*context, {}, {}, {.token_limit = 1}).status();
}

std::optional<LiveEvent> LiveSession::Next() {
  if (events_.empty()) return std::nullopt;
  LiveEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace espalier
