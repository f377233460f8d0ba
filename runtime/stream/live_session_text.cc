// LiveSession: from the frames of an utterance to its text, and where long ones are cut.
#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "runtime/search/whisper_fallback.h"
#include "runtime/stream/live_session.h"

namespace espalier {
namespace {

// Less than this is no speech, whatever it holds (conventions §1.7).
constexpr int64_t kShortestMs = 100;
// Tokens of a window: speech has 6 or 7 a second in languages that the vocabulary knows well, twice
// that in others; what is beyond is a loop.
constexpr int kTokensPerSecond = 14, kTokensAnyway = 16;
constexpr size_t kRememberedTokens = 48;

// Besides openai's rule for silent windows: text that the model hardly believes, of a sound that it
// half takes for none, or does not believe at all, of one that it may take for none; and loops.
// What whisper-base invents to music lies beyond either (0.37 to 0.7 and -0.9 to -2.3; 0.24 and
// -3.0); what it hears of speech never does (beyond the first, above -0.4).
struct Doubt {
  double no_speech;
  double log_prob;
};
constexpr Doubt kDoubtful{0.25, -0.8}, kUnbelieved{0.1, -1.5};

// CTC hears a token of speech at one step at least. In noise it hears one here and there, at the
// window's ends, and the decoder whole sentences.
constexpr size_t kTokensOfHeardStep = 3;

// A cut utterance is at least this long.
constexpr int64_t kShortestCutMs = 100;
// How far behind the last committed word a cut is looked for when nothing is heard behind it.
constexpr int64_t kReachOfCutMs = 300;

// A window with earlier utterances in it is no longer than this: every update pays for it.
constexpr int64_t kLongestJoinedMs = 8000;

// From here on a window may be cut where a sentence ends.
constexpr int kLongWindowPercent = 50;

std::vector<int> IdsOf(const std::vector<TimedToken>& tokens) {
  std::vector<int> ids;
  for (const TimedToken& token : tokens) ids.push_back(token.id);
  return ids;
}

}  // namespace

Result<std::vector<TimedToken>> LiveSession::DecodeTo(int64_t end_frame, Extent extent) {
  LetPastGo(MsOfFrame(end_frame) - std::min<int64_t>(kLongestJoinedMs, options_.longest_window_ms));
  Result<std::vector<TimedToken>> tokens = DecodeOnce(end_frame, extent);
  if (tokens.ok() || !decoder_->CpuMayGoOn(tokens.status())) return tokens;
  ESP_RETURN_IF_ERROR(decoder_->MoveToCpu());
  Emit({.type = LiveEventType::kError,
        .t0_ms = InputMs(),
        .t1_ms = InputMs(),
        .status = tokens.status().WithContext("the CPU goes on")});
  return DecodeOnce(end_frame, extent);
}

Result<std::vector<TimedToken>> LiveSession::DecodeOnce(int64_t end_frame, Extent extent) {
  const int64_t begin = std::max(FrameOfMs(WindowBeginMs()), track_->begin());
  const int64_t end =
      std::clamp(end_frame, begin, std::min(track_->end(), begin + decoder_->max_frames()));
  const int64_t window_ms = MsOfFrame(end - begin);
  last_hypothesis_ = {};
  content_steps_ = 0;
  steps_heard_.reset();
  if (MsOfFrame(end) - utterance_->begin_ms() < kShortestMs) return std::vector<TimedToken>();
  ESP_RETURN_IF_ERROR(decoder_->Embed(track_->Frames(begin, end)));
  ESP_RETURN_IF_ERROR(
      context_.Choose(past_.empty() && utterance_->committed().empty(), window_ms, decoder_.get()));
  ESP_RETURN_IF_ERROR(decoder_->Encode(context_.gates()));
  content_steps_ = decoder_->content_steps();
  if (utterance_->committed().empty()) {
    ESP_ASSIGN_OR_RETURN(steps_heard_, StepsHeard(begin));
    if (steps_heard_ == 0) return std::vector<TimedToken>();
  }
  std::vector<int> prefix = past_.Prefix(decoder_->vocabulary(), context_.language());
  const std::vector<int> committed = utterance_->CommittedIds();
  prefix.insert(prefix.end(), committed.begin(), committed.end());
  const auto most = static_cast<int>(kTokensAnyway + window_ms * kTokensPerSecond / 1000);
  // A long initial prompt makes room for what the window may say.
  const auto room = static_cast<size_t>(std::max(decoder_->max_positions() - most, 0));
  const std::span<const int> previous =
      std::span(previous_).last(std::min(previous_.size(), std::max(room, kRememberedTokens)));
  // Text that nobody will see is not decoded while audio waits.
  const bool hidden = extent == Extent::kPartial && backlog_ms_ > 0;
  ESP_ASSIGN_OR_RETURN(
      last_hypothesis_,
      decoder_->Decode(context_.context(), previous, prefix,
                       {.token_limit = std::max(most - static_cast<int>(prefix.size()), 1),
                        .heard_step = HeardStep(),
                        .stop_step = hidden ? policy_->StopStep(content_steps_) : -1}));
  ++update_count_;
  std::vector<TimedToken> tokens;
  for (const LiveToken& token : last_hypothesis_.tokens) {
    const int64_t frame = begin + int64_t{token.step} * decoder_->frames_per_step();
    tokens.push_back({.id = token.id,
                      .log_prob = token.log_prob,
                      .at_ms = token.step < 0 ? -1 : MsOfFrame(frame)});
  }
  return tokens;
}

Result<std::optional<int>> LiveSession::StepsHeard(int64_t begin) {
  if (!engine_->config().has_ctc) return std::optional<int>();
  ESP_ASSIGN_OR_RETURN(const std::vector<int> steps, decoder_->StepsHeard());
  const int64_t first = (FrameOfMs(utterance_->begin_ms()) - begin) / decoder_->frames_per_step();
  return std::optional(static_cast<int>(
      std::count_if(steps.begin(), steps.end(), [&](int step) { return step >= first; })));
}

// Only where nothing is committed: that cannot be taken back.
bool LiveSession::SaysNothing(std::span<const TimedToken> tokens) const {
  if (!utterance_->committed().empty() || tokens.empty()) return false;
  const double sum = std::accumulate(
      tokens.begin(), tokens.end(), 0.0,
      [](double total, const TimedToken& token) { return total + double{token.log_prob}; });
  const auto count = static_cast<double>(tokens.size());
  const double no_speech = last_hypothesis_.no_speech_prob;
  const auto beyond = [&](const Doubt& doubt) {
    return no_speech > doubt.no_speech && sum / count < doubt.log_prob;
  };
  const bool loop = last_hypothesis_.outcome == DecodeOutcome::kRepetition;
  const bool unheard =
      steps_heard_ && tokens.size() > static_cast<size_t>(*steps_heard_) * kTokensOfHeardStep;
  // openai's mean has the end in it, here as certain.
  return IsSilentWindow(no_speech, sum / (count + 1), FallbackThresholds{}) || beyond(kDoubtful) ||
         beyond(kUnbelieved) || unheard || (loop && no_speech > kDoubtful.no_speech);
}

bool LiveSession::SentenceComplete() const {
  if (!utterance_ || !decoded_to_end_) return false;
  std::vector<int> ids = utterance_->CommittedIds();
  for (const TimedToken& token : utterance_->tentative()) ids.push_back(token.id);
  // Nothing was said, so nothing can be unfinished.
  return ids.empty() || EndsSentence(decoder_->vocabulary().Text(ids));
}

int64_t LiveSession::WindowBeginMs() const {
  return past_.empty() ? utterance_->begin_ms() : past_.begin_ms();
}

// Sounds that say nothing are no past (but may be a word that was not understood where something
// was said before), and a language that is heard may be another one in the next sentence.
void LiveSession::Remember(const Utterance& utterance) {
  if (!options_.carry_text || last_hypothesis_.outcome != DecodeOutcome::kComplete) {
    past_.Clear();
    previous_.clear();
    return;
  }
  const std::vector<int> ids = utterance.CommittedIds();
  const bool alone = context_.listens() && EndsSentence(decoder_->vocabulary().Text(ids));
  past_.Add(utterance);
  if (alone || past_.HeardMs() < 0) LetPastGo(InputMs());
}

void LiveSession::LetPastGo(int64_t from_ms) {
  const std::vector<int> left = past_.TakeBefore(from_ms);
  if (left.empty()) return;  // an initial prompt is not shortened before something was said
  previous_.insert(previous_.end(), left.begin(), left.end());
  const size_t surplus = previous_.size() - std::min(previous_.size(), kRememberedTokens);
  previous_.erase(previous_.begin(), previous_.begin() + static_cast<int64_t>(surplus));
}

// The frame with the least energy in [from_ms, to_ms].
int64_t LiveSession::QuietestMs(int64_t from_ms, int64_t to_ms) const {
  const auto mels = static_cast<size_t>(engine_->config().frontend.mel_count);
  const int64_t begin = std::max(FrameOfMs(from_ms), track_->begin());
  const int64_t end = std::min(std::max(FrameOfMs(to_ms), begin + 1), track_->end());
  if (begin >= end) return from_ms;
  const std::span<const float> frames = track_->Frames(begin, end);
  int64_t quietest = begin;
  double least = 0;
  for (int64_t frame = begin; frame < end; ++frame) {
    const auto row = frames.subspan(static_cast<size_t>(frame - begin) * mels, mels);
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    if (frame == begin || sum < least) {
      least = sum;
      quietest = frame;
    }
  }
  return MsOfFrame(quietest);
}

bool LiveSession::IsLong() const {
  const int64_t length_ms = InputMs() - utterance_->begin_ms();
  return length_ms * 100 >= int64_t{options_.longest_window_ms} * kLongWindowPercent;
}

int LiveSession::UpToACut(const std::vector<TimedToken>& tokens, int certain) const {
  if (!IsLong()) return certain;
  std::vector<int> ids = utterance_->CommittedIds();
  const size_t before = ids.size();
  int best = 0;
  for (int i = 0; i < certain; ++i) {
    ids.push_back(tokens[static_cast<size_t>(i)].id);
    const bool whole = i + 1 == certain || decoder_->vocabulary().splitter().WholeWords(
                                               IdsOf(tokens), i + 1, context_.language()) == i + 1;
    if (whole && EndsSentence(decoder_->vocabulary().Text(ids))) {
      best = static_cast<int>(ids.size() - before);
    }
  }
  return best > 0 ? best : certain;
}

// A long window is cut behind its committed text where that ends a sentence, one that is too long
// behind whatever is committed.
Status LiveSession::CutIfLong() {
  if (!IsLong()) return OkStatus();
  const bool too_long = InputMs() - utterance_->begin_ms() >= options_.longest_window_ms;
  const std::vector<int> ids = utterance_->CommittedIds();
  if (ids.empty()) return too_long ? CutEverything() : OkStatus();
  if (!too_long && !EndsSentence(decoder_->vocabulary().Text(ids))) return OkStatus();
  const std::vector<TimedToken>& tentative = utterance_->tentative();
  const int64_t from_ms =
      std::max(utterance_->committed().back().at_ms, utterance_->begin_ms() + kShortestCutMs);
  const int64_t to_ms = tentative.empty() ? from_ms + kReachOfCutMs : tentative[0].at_ms;
  CutAt(QuietestMs(from_ms, std::max(to_ms, from_ms)));
  return OkStatus();
}

void LiveSession::CutAt(int64_t cut_ms) {
  const auto count = static_cast<int>(utterance_->committed().size());
  Utterance rest = utterance_->SplitOff(count, ++last_id_, cut_ms);
  EmitFinal(*utterance_, cut_ms);
  Remember(*utterance_);
  LetPastGo(cut_ms);
  previous_end_ms_ = cut_ms;
  utterance_ = std::move(rest);
  track_->DropBefore(FrameOfMs(cut_ms));
  policy_->Forget();
  decoded_to_end_ = false;
  Emit({.type = LiveEventType::kSpeechStart,
        .utterance_id = utterance_->id(),
        .t0_ms = cut_ms,
        .t1_ms = cut_ms});
}

// Nothing in the window is certain, and it holds no more: it ends here.
Status LiveSession::CutEverything() {
  ending_ = true;
  end_frame_ = track_->end();
  decoded_to_end_ = false;
  return EndUtterance();
}

void LiveSession::EmitPartial() {
  LiveEvent event = utterance_->Describe(LiveEventType::kPartial, InputMs(), decoder_->vocabulary(),
                                         context_.language());
  const std::string shown = event.committed + event.tentative;
  if (!utterance_->ShownDiffers(shown)) return;
  utterance_->CountRevision(shown);
  event.revision = utterance_->revision();
  Emit(std::move(event));
}

void LiveSession::EmitFinal(const Utterance& utterance, int64_t end_ms) {
  LiveEvent event = utterance.Describe(LiveEventType::kFinal, end_ms, decoder_->vocabulary(),
                                       context_.language());
  event.no_speech_prob = last_hypothesis_.no_speech_prob;
  event.outcome = event.committed.empty() && last_hypothesis_.outcome == DecodeOutcome::kComplete
                      ? DecodeOutcome::kNoSpeech
                      : last_hypothesis_.outcome;
  Emit(std::move(event));
}

void LiveSession::Emit(LiveEvent event) {
  event.input_ms = InputMs();
  event.lag_ms = backlog_ms_;
  const bool replaces = event.type == LiveEventType::kPartial && !events_.empty() &&
                        events_.back().type == LiveEventType::kPartial &&
                        events_.back().utterance_id == event.utterance_id;
  if (replaces) events_.pop_back();
  events_.push_back(std::move(event));
}

}  // namespace espalier
