// Whole recordings: options in, segments, figures and warnings out.
#include "runtime/session/transcriber.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/string_format.h"
#include "runtime/capi/abort_watch.h"
#include "runtime/capi/audio.h"
#include "runtime/capi/espalier.h"
#include "runtime/capi/guard.h"
#include "runtime/capi/model.h"
#include "runtime/capi/word.h"
#include "runtime/search/outcome.h"
#include "runtime/text/utf8.h"

struct esp_transcriber {
  std::shared_ptr<espalier::Engine> engine;
  std::unique_ptr<espalier::Transcriber> transcriber;
  std::optional<espalier::Transcript> transcript;  // of the last recording
};

using namespace espalier;        // NOLINT(google-build-using-namespace): the C interface's names
using namespace espalier::capi;  // NOLINT(google-build-using-namespace): are all prefixed

namespace {

constexpr double kLongestTimeTokenS = 1e4;

Result<TranscribeOptions> OptionsOf(const esp_transcribe_options& from) {
  TranscribeOptions options;
  if (from.language != nullptr) options.language = from.language;
  if (from.task != nullptr) options.task = from.task;
  if (from.initial_prompt != nullptr) options.initial_prompt = from.initial_prompt;
  options.carry_prompt = from.carry_prompt != 0;
  options.timestamps = from.timestamps != 0;
  options.word_times = from.word_timestamps != 0;
  options.restrict_vocabulary = from.restrict_vocabulary != 0;
  options.beam_size = from.beam_size;
  options.normalize_length = from.normalize_length != 0;
  options.repetition_guard = from.repetition_guard != 0;
  options.ctc_weight = from.ctc_weight;
  options.length_penalty = from.length_penalty;
  options.maxlen_ratio = from.maxlen_ratio;
  options.minlen_ratio = from.minlen_ratio;
  if (!(from.end_time_threshold_s >= 0 && from.end_time_threshold_s < kLongestTimeTokenS)) {
    return InvalidArgument("end_time_threshold_s: a number of seconds");
  }
  options.end_time_threshold = StrFormat("<%.2f>", from.end_time_threshold_s);
  if (from.temperatures != nullptr) {
    if (from.temperature_count < 1) return InvalidArgument("temperatures without a number");
    options.temperatures.assign(from.temperatures, from.temperatures + from.temperature_count);
  }
  options.compression_ratio_threshold = from.compression_ratio_threshold;
  options.log_prob_threshold = from.log_prob_threshold;
  options.no_speech_threshold = from.no_speech_threshold;
  options.offset_ms = from.offset_ms;
  options.duration_ms = from.duration_ms;
  if (options.offset_ms < 0 || options.duration_ms < 0) {
    return InvalidArgument("a negative offset_ms or duration_ms");
  }
  constexpr int64_t kMostMs = int64_t{1} << 40;  // 34 years; in samples still a number
  options.offset_ms = std::min(options.offset_ms, kMostMs);
  options.duration_ms = std::min(options.duration_ms, kMostMs);
  return options;
}

// Text that a caller can rely on.
void MakeUtf8(Segment* segment) {
  segment->text = ReplaceInvalidUtf8(segment->text);
  for (Word& word : segment->words) word.text = ReplaceInvalidUtf8(word.text);
}

// `segment` must outlive the result, with text that is UTF-8.
esp_transcript_segment SegmentOf(const Segment& segment) {
  esp_transcript_segment out{};
  out.struct_size = sizeof(out);
  out.t0_ms = segment.start_ms;
  out.t1_ms = segment.end_ms;
  out.window_t0_ms = segment.window_start_ms;
  out.text = segment.text.c_str();
  out.text_size = segment.text.size();
  out.tokens = segment.tokens.data();
  out.token_count = segment.tokens.size();
  out.language = segment.language.c_str();
  out.outcome = static_cast<esp_outcome>(segment.outcome);
  out.temperature = segment.temperature;
  out.avg_log_prob = segment.avg_log_prob;
  out.compression_ratio = segment.compression_ratio;
  out.no_speech_prob = segment.no_speech_prob;
  out.word_count = static_cast<int32_t>(segment.words.size());
  out.words = segment.words.data();
  return out;
}
static_assert(sizeof(int) == sizeof(int32_t), "tokens are handed out as they are");
static_assert(ESP_FALLBACK_SAMPLES == kWhisperSampleCount);

esp_timings TimingsOf(const Timings& from) {
  return {.struct_size = 0,
          .load_s = from.load_s,
          .features_s = from.features_s,
          .gates_s = from.gates_s,
          .plan_s = from.plan_s,
          .encoder_s = from.encoder_s,
          .decoder_s = from.decoder_s,
          .search_s = from.search_s,
          .total_s = from.total_s,
          .window_count = from.window_count,
          .token_count = from.token_count,
          .encoder_steps = from.encoder_steps,
          .encoder_multiply_adds = from.encoder_multiply_adds,
          .decoder_multiply_adds = from.decoder_multiply_adds,
          .weight_bytes_touched = from.weight_bytes_touched,
          .gate_count = from.gate_count,
          .closed_gate_count = from.closed_gate_count};
}

esp_device_counters CountersOf(const DeviceCounters& from) {
  return {.struct_size = 0,
          .dispatches = from.dispatches,
          .barriers = from.barriers,
          .submits = from.submits,
          .command_buffers = from.command_buffers,
          .descriptor_writes = from.descriptor_writes,
          .written_bytes = from.written_bytes,
          .read_bytes = from.read_bytes,
          .memory_bytes = from.memory_bytes,
          .reserved_bytes = from.reserved_bytes};
}

// Hands segments and progress on; a caller that wants no more stops `stop`.
TranscribeObserver ObserverOf(const esp_transcribe_options& options, std::stop_source* stop) {
  TranscribeObserver observer;
  if (options.on_segment != nullptr) {
    observer.on_segment = [&options, stop](const Segment& segment) {
      if (stop->stop_requested()) return;
      Segment clean = segment;
      MakeUtf8(&clean);
      const esp_transcript_segment given = SegmentOf(clean);
      if (options.on_segment(&given, options.user) != 0) stop->request_stop();
    };
  }
  if (options.on_progress != nullptr) {
    observer.on_progress = [&options, stop](double done_s, double total_s) {
      if (options.on_progress(done_s, total_s, options.user) != 0) stop->request_stop();
    };
  }
  return observer;
}

Status CheckRate(const esp_transcriber& transcriber, const esp_audio& audio) {
  const int rate = transcriber.engine->config().frontend.sample_rate;
  if (audio.sample_rate == 0 || audio.sample_rate == rate) return OkStatus();
  return InvalidArgument(
      StrFormat("audio at %d Hz for a model that takes %d", audio.sample_rate, rate));
}

Status Transcribe(esp_transcriber* transcriber, esp_audio* audio,
                  const esp_transcribe_options& own) {
  ESP_RETURN_IF_ERROR(CheckRate(*transcriber, *audio));
  ESP_ASSIGN_OR_RETURN(const TranscribeOptions options, OptionsOf(own));
  std::stop_source stop;
  const TranscribeObserver observer = ObserverOf(own, &stop);
  const AbortWatch watch(own.abort, own.user, stop);
  ESP_ASSIGN_OR_RETURN(
      Transcript transcript,
      transcriber->transcriber->Transcribe(*audio->reader, options, observer, stop.get_token()));
  for (Segment& segment : transcript.segments) MakeUtf8(&segment);
  transcriber->transcript = std::move(transcript);
  return OkStatus();
}

// The last recording's, or a status.
Result<const Transcript*> TranscriptOf(const esp_transcriber* transcriber) {
  if (transcriber == nullptr) return InvalidArgument("the transcriber is null");
  if (!transcriber->transcript) return InvalidArgument("no recording was transcribed");
  return &*transcriber->transcript;
}

template <typename T>
const T* At(const std::vector<T>& values, int32_t index) {
  return index >= 0 && static_cast<size_t>(index) < values.size()
             ? &values[static_cast<size_t>(index)]
             : nullptr;
}

}  // namespace

extern "C" {

const char* esp_outcome_string(esp_outcome outcome) {
  return DecodeOutcomeName(static_cast<DecodeOutcome>(outcome));
}

void esp_transcript_segment_init(esp_transcript_segment* segment) { Initialize(segment); }
void esp_transcript_init(esp_transcript* transcript) { Initialize(transcript); }
void esp_timings_init(esp_timings* timings) { Initialize(timings); }
void esp_device_counters_init(esp_device_counters* counters) { Initialize(counters); }

void esp_transcribe_options_init(esp_transcribe_options* options) {
  Initialize(options);
  if (options == nullptr) return;
  const TranscribeOptions defaults;
  options->timestamps = defaults.timestamps;
  options->beam_size = defaults.beam_size;
  options->repetition_guard = defaults.repetition_guard;
  options->end_time_threshold_s = 29.0;  // TranscribeOptions has it as a token
  options->compression_ratio_threshold = defaults.compression_ratio_threshold;
  options->log_prob_threshold = defaults.log_prob_threshold;
  options->no_speech_threshold = defaults.no_speech_threshold;
}

esp_status esp_transcriber_open(esp_model* model, esp_transcriber** out) {
  if (out != nullptr) *out = nullptr;
  return Guard([&]() -> Status {
    if (model == nullptr || out == nullptr) return InvalidArgument("model or transcriber is null");
    auto transcriber = std::make_unique<esp_transcriber>();
    transcriber->engine = model->engine;
    ESP_ASSIGN_OR_RETURN(transcriber->transcriber, Transcriber::Create(model->engine));
    *out = transcriber.release();
    return OkStatus();
  });
}

void esp_transcriber_close(esp_transcriber* transcriber) { delete transcriber; }

esp_status esp_transcribe(esp_transcriber* transcriber, esp_audio* audio,
                          const esp_transcribe_options* options) {
  return Guard([&]() -> Status {
    if (transcriber == nullptr || audio == nullptr) {
      return InvalidArgument("transcriber or audio is null");
    }
    transcriber->transcript.reset();
    esp_transcribe_options own;
    esp_transcribe_options_init(&own);
    ESP_RETURN_IF_ERROR(ReadStruct(options, &own));
    return Transcribe(transcriber, audio, own);
  });
}

esp_status esp_get_transcript(const esp_transcriber* transcriber, esp_transcript* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const Transcript* const transcript, TranscriptOf(transcriber));
    return WriteStruct(
        esp_transcript{.struct_size = 0,
                       .language = transcript->language.c_str(),
                       .task = transcript->task.c_str(),
                       .duration_ms = transcript->duration_ms,
                       .segment_count = static_cast<int32_t>(transcript->segments.size()),
                       .warning_count = static_cast<int32_t>(transcript->warnings.size())},
        out);
  });
}

esp_status esp_transcript_segment_at(const esp_transcriber* transcriber, int32_t index,
                                     esp_transcript_segment* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const Transcript* const transcript, TranscriptOf(transcriber));
    const Segment* segment = At(transcript->segments, index);
    if (segment == nullptr) {
      return InvalidArgument(StrFormat("segment %d of %zu", index, transcript->segments.size()));
    }
    return WriteStruct(SegmentOf(*segment), out);
  });
}

esp_status esp_transcript_word(const esp_transcript_segment* segment, int32_t word, esp_word* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    esp_transcript_segment own;
    esp_transcript_segment_init(&own);
    ESP_RETURN_IF_ERROR(ReadStruct(segment, &own));
    const auto* words = static_cast<const Word*>(own.words);
    if (words == nullptr) own.word_count = 0;
    return WriteWord(std::span(words, static_cast<size_t>(std::max(own.word_count, 0))), word, out);
  });
}

const char* esp_transcript_warning(const esp_transcriber* transcriber, int32_t index) {
  if (transcriber == nullptr || !transcriber->transcript) return nullptr;
  const std::string* warning = At(transcriber->transcript->warnings, index);
  return warning != nullptr ? warning->c_str() : nullptr;
}

esp_status esp_transcript_timings(const esp_transcriber* transcriber, esp_timings* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const Transcript* const transcript, TranscriptOf(transcriber));
    return WriteStruct(TimingsOf(transcript->timings), out);
  });
}

esp_status esp_transcript_counters(const esp_transcriber* transcriber, int32_t steps_only,
                                   esp_device_counters* out) {
  ClearStruct(out);
  return Guard([&]() -> Status {
    ESP_ASSIGN_OR_RETURN(const Transcript* const transcript, TranscriptOf(transcriber));
    const Timings& timings = transcript->timings;
    return WriteStruct(CountersOf(steps_only != 0 ? timings.device_steps : timings.device), out);
  });
}

}  // extern "C"
