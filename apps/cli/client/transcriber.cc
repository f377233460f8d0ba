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
  return {.start_ms = from.t0_ms,
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
}

Timings TimingsFromC(const esp_timings& from) {
  return {.load_s = from.load_s,
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

Result<DeviceCounters> Counters(const esp_transcriber* transcriber, bool steps_only) {
  esp_device_counters from;
  esp_device_counters_init(&from);
  ESP_RETURN_IF_ERROR(FromC(esp_transcript_counters(transcriber, steps_only, &from)));
  return DeviceCounters{.dispatches = from.dispatches,
                        .barriers = from.barriers,
                        .submits = from.submits,
                        .command_buffers = from.command_buffers,
                        .descriptor_writes = from.descriptor_writes,
                        .written_bytes = from.written_bytes,
                        .read_bytes = from.read_bytes,
                        .memory_bytes = from.memory_bytes,
                        .reserved_bytes = from.reserved_bytes};
}

}  // namespace

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
  esp_timings timings;
  esp_timings_init(&timings);
  ESP_RETURN_IF_ERROR(FromC(esp_transcript_timings(transcriber_, &timings)));
  transcript.timings = TimingsFromC(timings);
  ESP_ASSIGN_OR_RETURN(transcript.timings.device, Counters(transcriber_, false));
  ESP_ASSIGN_OR_RETURN(transcript.timings.device_steps, Counters(transcriber_, true));
  return transcript;
}

}  // namespace espalier::cli
