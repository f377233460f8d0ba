// A day of talk in much less than a day: does a live session's memory stay what it was?
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/session/engine.h"

namespace espalier {

struct SoakSample {
  double audio_s = 0;      // pushed so far
  double resident_mb = 0;  // of this process
};

struct SoakReport {
  std::vector<SoakSample> samples = {};  // in steps of a tenth of an hour
  int64_t utterance_count = 0;
  // Largest and smallest resident set behind the first `kSettledShare` of the samples, over the
  // first of those.
  double growth() const;
  double shrinkage() const;
};

// Pushes `hours` of conversations, silence, noise and music into one session of `engine`, as fast
// as it takes them, with a flush, a change of language and a reset now and then. Errors: those of
// the session. `progress`: after each sample; may be empty.
Result<SoakReport> RunSoak(const std::shared_ptr<Engine>& engine, double hours,
                           const std::vector<std::string>& languages,
                           const std::function<void(const SoakSample&)>& progress);

}  // namespace espalier
