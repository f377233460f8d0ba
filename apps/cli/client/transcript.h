// What a recording or a live session gave, kept for as long as it is needed (esp_transcript and
// what belongs to it).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/capi/espalier.h"

namespace espalier::cli {

struct Word {
  std::string text = {};  // with the punctuation behind it, without blanks around it
  int64_t t0_ms = 0;
  int64_t t1_ms = 0;
  double probability = 0;
};

Word WordFromC(const esp_word& word);

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
  std::vector<Word> words = {};                // where word times were asked for
};

// Where the time went, and the device's part in it.
struct Timings : esp_timings {
  esp_device_counters device = {};
  esp_device_counters device_steps = {};  // its part in decoder steps
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
