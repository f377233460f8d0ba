// What an esp_session is.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/capi/espalier.h"
#include "runtime/stream/live_session.h"

struct esp_session {
  std::unique_ptr<espalier::LiveSession> live;
  std::string language, task;
  int64_t backlog_samples = 0;
  bool finished = false;

  // What the last call gave; accessors point into it.
  std::vector<espalier::LiveEvent> events;     // all of them
  std::vector<size_t> finals;                  // those of them that are final
  std::optional<espalier::LiveEvent> partial;  // of the utterance at hand
  int64_t committed_ms = 0;
  std::vector<float> converted;  // esp_feed_i16

  esp_abort_fn abort_fn = nullptr;
  void* abort_user = nullptr;
  std::mutex stop_mutex;
  std::stop_source stop;  // guarded by stop_mutex
};
