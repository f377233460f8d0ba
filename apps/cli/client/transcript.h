// What a recording or a live session gave, kept for as long as it is needed (esp_transcript and
// what belongs to it).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/capi/espalier.h"

namespace espalier::cli {

struct Segment {
  int64_t start_ms = 0;  // from the start of the audio
  int64_t end_ms = 0;
  int64_t window_start_ms = 0;   // of the window that was decoded (openai's `seek`)
  std::string text = {};         // UTF-8 (a leading space may be there)
  std::vector<int> tokens = {};  // with time tokens where the model gave them
  std::string language = {};     // "en" (ISO 639-1 where there is one, else 639-3)
  double temperature = 0.0;
  double avg_log_prob = 0.0;                   // mean log-probability of the window's tokens
  double compression_ratio = 0.0;              // of the window's text, zlib
  double no_speech_prob = 0.0;                 // 0 where the model has none
  esp_outcome outcome = ESP_OUTCOME_COMPLETE;  // of its window
};

// Of esp_device_counters.
struct DeviceCounters {
  int64_t dispatches = 0, barriers = 0, submits = 0;
  int64_t command_buffers = 0, descriptor_writes = 0;
  int64_t written_bytes = 0, read_bytes = 0;
  int64_t memory_bytes = 0, reserved_bytes = 0;

  // Without `part`'s; memory stays what it is.
  DeviceCounters Without(const DeviceCounters& part) const {
    return {.dispatches = dispatches - part.dispatches,
            .barriers = barriers - part.barriers,
            .submits = submits - part.submits,
            .command_buffers = command_buffers - part.command_buffers,
            .descriptor_writes = descriptor_writes - part.descriptor_writes,
            .written_bytes = written_bytes - part.written_bytes,
            .read_bytes = read_bytes - part.read_bytes,
            .memory_bytes = memory_bytes,
            .reserved_bytes = reserved_bytes};
  }
};

// Of esp_timings: seconds of wall time, summed over windows.
struct Timings {
  double load_s = 0, features_s = 0, gates_s = 0, plan_s = 0, encoder_s = 0, decoder_s = 0,
         search_s = 0, total_s = 0;
  int64_t window_count = 0;
  int64_t token_count = 0;  // decoder steps
  int64_t encoder_steps = 0;
  int64_t encoder_multiply_adds = 0;
  int64_t decoder_multiply_adds = 0;
  int64_t weight_bytes_touched = 0;
  int gate_count = 0, closed_gate_count = 0;
  DeviceCounters device = {};
  DeviceCounters device_steps = {};  // its part in decoder steps
};

struct Transcript {
  std::string language = {};  // of the first window, as Segment::language
  std::string task = {};      // "transcribe" or "translate"
  int64_t duration_ms = 0;
  std::vector<Segment> segments = {};
  Timings timings = {};
  std::vector<std::string> warnings = {};  // one line each
};

}  // namespace espalier::cli
