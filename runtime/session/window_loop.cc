#include "runtime/session/window_loop.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/string_format.h"
#include "runtime/session/gate_look.h"
#include "runtime/session/window_search.h"
#include "runtime/session/word_times.h"

namespace espalier {
namespace {

// Less than this is no speech, whatever it holds (conventions §1.7).
constexpr double kShortestAudioS = 0.1;

// Models invent words where there is nothing at all; they are not asked. One step of 16 bits is
// what dither leaves of silence.
bool IsDigitalSilence(std::span<const float> samples) {
  constexpr float kStep = 1.0f / 32768.0f;
  return std::all_of(samples.begin(), samples.end(),
                     [](float sample) { return std::abs(sample) <= kStep; });
}

Status CheckOptions(const TranscribeOptions& options, int beam_size_max) {
  if (options.beam_size < 1 || options.beam_size > beam_size_max) {
    return InvalidArgument(StrFormat("beam size %d: 1 to %d", options.beam_size, beam_size_max));
  }
  if (options.offset_ms < 0 || options.duration_ms < 0) {
    return InvalidArgument("offset and duration: not negative");
  }
  return OkStatus();
}

}  // namespace

WindowLoop::WindowLoop(std::shared_ptr<Engine> engine)
    : engine_(std::move(engine)),
      inference_(std::make_unique<Inference>(engine_, InferenceOptions{})) {}

Result<Transcript> WindowLoop::Transcribe(AudioReader& audio, const TranscribeOptions& options,
                                          const TranscribeObserver& observer,
                                          const std::stop_token& stop) {
  const Stopwatch watch;
  const Timings before = inference_->timings();
  device_before_ = engine_->backend().counters();
  steps_before_ = before.device_steps;
  features_s_ = search_s_ = 0;
  context_.reset();
  gates_.reset();
  inference_->set_stop(stop);
  inference_->set_alignment(options.word_times);
  ESP_RETURN_IF_ERROR(CheckOptions(options, engine_->beam_size_max()));
  ESP_RETURN_IF_ERROR(Begin(options));
  if (options.language != "auto") {
    ESP_ASSIGN_OR_RETURN(context_, ResolveContext(*engine_, options.language, options.task));
  }
  inference_->ScoreOnly(TokensScored(options));

  Transcript transcript;
  const int64_t limit = options.duration_ms > 0 ? options.duration_ms * sample_rate() / 1000 : -1;
  AudioWindow window(&audio, WindowSamples(engine_->config()), limit);
  ESP_RETURN_IF_ERROR(window.Skip(options.offset_ms * sample_rate() / 1000));
  const int64_t first = window.begin();
  const auto total = audio.total_samples();
  for (;;) {
    if (stop.stop_requested()) return Cancelled("transcription cancelled");
    ESP_RETURN_IF_ERROR(window.Fill());
    const auto length = static_cast<int64_t>(window.samples().size());
    transcript.duration_ms =
        std::max(transcript.duration_ms, Milliseconds(window.begin() + length));
    const bool is_first = window.begin() == first;
    if (static_cast<double>(length) < kShortestAudioS * sample_rate() && is_first) break;
    if (length == 0 || (!is_first && length < ShortestLaterWindow())) break;
    int64_t advance = length;
    if (!IsDigitalSilence(window.samples())) {
      std::vector<Segment> segments;
      ESP_ASSIGN_OR_RETURN(advance,
                           RunWindowSomewhere(window, options, stop, &segments, &transcript));
      Report(segments, observer, &transcript);
    }
    ESP_RETURN_IF_ERROR(window.Advance(std::max<int64_t>(advance, 1)));
    if (observer.on_progress) {
      observer.on_progress(static_cast<double>(window.begin()) / sample_rate(),
                           total ? static_cast<double>(*total) / sample_rate() : 0.0);
    }
  }
  if (context_) {
    transcript.language = context_->language;
    transcript.task = context_->task;
  } else {  // silence, in which no language was heard
    const bool same = options.task == "transcribe" || options.task == "asr";
    transcript.task = same ? "transcribe" : "translate";
  }
  if (const std::string warning = audio.warning(); !warning.empty()) {
    transcript.warnings.push_back(warning);
  }
  FillTimings(before, watch.Seconds(), &transcript.timings);
  return transcript;
}

Result<int64_t> WindowLoop::RunWindowSomewhere(const AudioWindow& window,
                                               const TranscribeOptions& options,
                                               const std::stop_token& stop,
                                               std::vector<Segment>* segments,
                                               Transcript* transcript) {
  Result<int64_t> advance = RunWindow(window, options, stop, segments, transcript);
  if (advance.ok() || !engine_->CpuMayGoOn(advance.status())) return advance;
  ESP_RETURN_IF_ERROR(MoveToCpu(advance.status(), transcript));
  segments->clear();
  return RunWindow(window, options, stop, segments, transcript);
}

Status WindowLoop::MoveToCpu(const Status& reason, Transcript* transcript) {
  const std::string device = engine_->device().id;
  ESP_ASSIGN_OR_RETURN(inference_, inference_->OnCpu());
  engine_ = inference_->engine();
  device_before_ = engine_->backend().counters();
  steps_before_ = {};
  transcript->warnings.push_back(device + " failed, the CPU goes on: " + reason.message());
  return OkStatus();
}

Result<int64_t> WindowLoop::RunWindow(const AudioWindow& window, const TranscribeOptions& options,
                                      const std::stop_token& stop, std::vector<Segment>* segments,
                                      Transcript* transcript) {
  ESP_RETURN_IF_ERROR(EncodeWindow(window, options));
  const double decoder_before = inference_->timings().decoder_s;
  const Stopwatch search;
  ESP_ASSIGN_OR_RETURN(const int64_t advance, DecodeWindow(window, options, stop, segments));
  search_s_ += search.Seconds() - (inference_->timings().decoder_s - decoder_before);
  if (options.word_times) ESP_RETURN_IF_ERROR(TimeWordsOf(window, advance, segments, transcript));
  return advance;
}

Status WindowLoop::TimeWordsOf(const AudioWindow& window, int64_t advance,
                               std::vector<Segment>* segments, Transcript* transcript) {
  // Behind `advance` is what the next window says again.
  const int64_t begin = window.begin();
  const int64_t length = std::min<int64_t>(advance, std::ssize(window.samples()));
  ESP_ASSIGN_OR_RETURN(const bool known,
                       TimeWords(*inference_, *context_,
                                 {.begin_ms = Milliseconds(begin),
                                  .samples = window.samples().first(static_cast<size_t>(length))},
                                 *segments));
  if (!known) {
    transcript->warnings.push_back(StrFormat(
        "window at %.2f s: no word times: no open source attention, or no room in the decoder",
        static_cast<double>(Milliseconds(begin)) / 1000));
  }
  return OkStatus();
}

Status WindowLoop::EncodeWindow(const AudioWindow& window, const TranscribeOptions& options) {
  const Stopwatch watch;
  const std::vector<float> features = WindowFeatures(*engine_, window.samples());
  features_s_ += watch.Seconds();
  ESP_RETURN_IF_ERROR(inference_->Embed(features));
  if (!context_) ESP_RETURN_IF_ERROR(ChooseContext(options));
  if (!gates_) {
    ESP_ASSIGN_OR_RETURN(gates_, GatesOf(*engine_, *context_, *inference_));
  }
  return inference_->Encode(*gates_);
}

Status WindowLoop::ChooseContext(const TranscribeOptions& options) {
  ESP_ASSIGN_OR_RETURN(const std::string heard, HearLanguage(*engine_, *inference_));
  ESP_ASSIGN_OR_RETURN(context_, ResolveContext(*engine_, heard, options.task));
  inference_->ScoreOnly(TokensScored(options));
  return OkStatus();
}

std::shared_ptr<const TokenSubset> WindowLoop::TokensScored(const TranscribeOptions& options) {
  if (!options.restrict_vocabulary) return nullptr;
  return context_ ? engine_->TokensOf(context_->written_in) : engine_->LatinTokens();
}

void WindowLoop::Report(const std::vector<Segment>& segments, const TranscribeObserver& observer,
                        Transcript* transcript) const {
  DecodeOutcome reported = DecodeOutcome::kComplete;
  for (const Segment& segment : segments) {
    if (observer.on_segment) observer.on_segment(segment);
    if (segment.outcome != DecodeOutcome::kComplete && segment.outcome != reported) {
      reported = segment.outcome;
      transcript->warnings.push_back(StrFormat("window at %.2f s: %s",
                                               static_cast<double>(segment.window_start_ms) / 1000,
                                               DecodeOutcomeName(segment.outcome)));
    }
    transcript->segments.push_back(segment);
  }
}

void WindowLoop::FillTimings(const Timings& before, double total_s, Timings* timings) const {
  *timings = inference_->timings();
  timings->load_s = engine_->load_seconds();
  timings->features_s = features_s_;
  timings->gates_s -= before.gates_s;
  timings->plan_s -= before.plan_s;
  timings->encoder_s -= before.encoder_s;
  timings->decoder_s -= before.decoder_s;
  timings->search_s = search_s_;
  timings->window_count -= before.window_count;
  timings->token_count -= before.token_count;
  timings->encoder_steps -= before.encoder_steps;
  timings->encoder_multiply_adds -= before.encoder_multiply_adds;
  timings->decoder_multiply_adds -= before.decoder_multiply_adds;
  timings->device = engine_->backend().counters().Since(device_before_);
  timings->device_steps = timings->device_steps.Since(steps_before_);
  timings->total_s = total_s;
}

}  // namespace espalier
