// What a transcription gives back: segments with times, how each ended, and where the time went.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"
#include "runtime/search/outcome.h"

namespace espalier {

struct Word {
  std::string text = {};  // with the punctuation behind it, without blanks around it
  int64_t t0_ms = 0;
  int64_t t1_ms = 0;  // not before t0_ms; words do not overlap
  double probability = 0;
};

struct Segment {
  int64_t start_ms = 0;  // from the start of the audio
  int64_t end_ms = 0;
  int64_t window_start_ms = 0;   // of the window that was decoded (openai's `seek`)
  std::string text = {};         // UTF-8, as the tokenizer gives it (a leading space may be there)
  std::vector<int> tokens = {};  // with time tokens where the model gave them
  std::vector<float> log_probs = {};  // of each of them
  std::vector<Word> words = {};       // TranscribeOptions::word_times; within its window
  std::string language = {};          // "en" (ISO 639-1 where there is one, else 639-3)
  double temperature = 0.0;
  double avg_log_prob = 0.0;                         // mean log-probability of the window's tokens
  double compression_ratio = 0.0;                    // of the window's text, zlib
  double no_speech_prob = 0.0;                       // 0 where the model has none
  DecodeOutcome outcome = DecodeOutcome::kComplete;  // of its window; never silent
};

// Seconds of wall time, summed over windows.
struct Timings {
  double load_s = 0, features_s = 0, gates_s = 0, plan_s = 0, encoder_s = 0, decoder_s = 0,
         search_s = 0, total_s = 0;
  int64_t window_count = 0;
  int64_t token_count = 0;            // decoder steps
  int64_t encoder_steps = 0;          // of all windows together
  int64_t encoder_multiply_adds = 0;  // of all windows: all that decoder steps are not
  int64_t decoder_multiply_adds = 0;  // of all decoder steps
  int64_t weight_bytes_touched = 0;   // of all plans that ran, each weight once
  int gate_count = 0, closed_gate_count = 0;
  DeviceCounters device = {};        // of the device, other sessions' work on it included
  DeviceCounters device_steps = {};  // its part in decoder steps: inputs, runs, results read back
};

struct Transcript {
  std::string language;  // of the first window, as Segment::language
  std::string task;      // "transcribe" or "translate"
  int64_t duration_ms = 0;
  std::vector<Segment> segments;
  Timings timings;
  std::vector<std::string> warnings;  // one line each: truncated audio, truncated output, ...
};

}  // namespace espalier
