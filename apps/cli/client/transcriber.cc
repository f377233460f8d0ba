#include "apps/cli/client/transcriber.h"

#include <utility>

#include "apps/cli/client/c_status.h"

namespace espalier::cli {
namespace {

struct Listener {
  const TranscribeObserver& observer;
  const std::stop_token& stop;
};

Segment SegmentFromC(const esp_transcript_segment& from) {
  Segment segment{.start_ms = from.t0_ms,
                  .end_ms = from.t1_ms,
                  .window_start_ms = from.window_t0_ms,
                  .text = {from.text, from.text_size},
                  .tokens = {from.tokens, from.tokens + from.token_count},
                  .language = from.language,
                  .temperature = from.temperature,
                  .avg_log_prob = from.avg_log_prob,
                  .compression_ratio = from.compression_ratio,
                  .no_speech_prob = from.no_speech_prob,
                  .outcome = from.outcome};
  for (int32_t i = 0; i < from.word_count; ++i) {
    esp_word word;
    esp_word_init(&word);
    if (esp_transcript_word(&from, i, &word) != ESP_OK) break;
    segment.words.push_back(WordFromC(word));
  }
  return segment;
}

}  // namespace

Word WordFromC(const esp_word& word) {
  return {.text = {word.text, word.size},
          .t0_ms = word.t0_ms,
          .t1_ms = word.t1_ms,
          .probability = word.probability};
}

Result<std::unique_ptr<Transcriber>> Transcriber::Open(const Model& model) {
  esp_transcriber* opened = nullptr;
  ESP_RETURN_IF_ERROR(FromC(esp_transcriber_open(model.get(), &opened)));
  return std::unique_ptr<Transcriber>(new Transcriber(opened));
}

Result<Transcript> Transcriber::Transcribe(Audio& audio, esp_transcribe_options options,
                                           const TranscribeObserver& observer,
                                           const std::stop_token& stop) {
  Listener listener{observer, stop};
  options.user = &listener;
  options.on_segment = [](const esp_transcript_segment* segment, void* user) {
    const auto* self = static_cast<Listener*>(user);
    if (self->observer.on_segment) self->observer.on_segment(SegmentFromC(*segment));
    return static_cast<int>(self->stop.stop_requested());
  };
  options.on_progress = [](double done_s, double total_s, void* user) {
    const auto* self = static_cast<Listener*>(user);
    if (self->observer.on_progress) self->observer.on_progress(done_s, total_s);
    return static_cast<int>(self->stop.stop_requested());
  };
  options.abort = [](void* user) {
    return static_cast<int>(static_cast<Listener*>(user)->stop.stop_requested());
  };
  ESP_RETURN_IF_ERROR(FromC(esp_transcribe(transcriber_, audio.get(), &options)));
  return Take();
}

Result<Transcript> Transcriber::Take() const {
  esp_transcript from;
  esp_transcript_init(&from);
  ESP_RETURN_IF_ERROR(FromC(esp_get_transcript(transcriber_, &from)));
  Transcript transcript{
      .language = from.language, .task = from.task, .duration_ms = from.duration_ms};
  for (int32_t i = 0; i < from.segment_count; ++i) {
    esp_transcript_segment segment;
    esp_transcript_segment_init(&segment);
    ESP_RETURN_IF_ERROR(FromC(esp_transcript_segment_at(transcriber_, i, &segment)));
    transcript.segments.push_back(SegmentFromC(segment));
  }
  for (int32_t i = 0; i < from.warning_count; ++i) {
    transcript.warnings.emplace_back(esp_transcript_warning(transcriber_, i));
  }
  Timings& timings = transcript.timings;
  esp_timings_init(&timings);
  esp_device_counters_init(&timings.device);
  esp_device_counters_init(&timings.device_steps);
  ESP_RETURN_IF_ERROR(FromC(esp_transcript_timings(transcriber_, &timings)));
  ESP_RETURN_IF_ERROR(FromC(esp_transcript_counters(transcriber_, 0, &timings.device)));
  ESP_RETURN_IF_ERROR(FromC(esp_transcript_counters(transcriber_, 1, &timings.device_steps)));
  return transcript;
}

}  // namespace espalier::cli
