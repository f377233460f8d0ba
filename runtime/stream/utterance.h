// The text of one utterance while it grows: committed tokens, tentative ones, and where they are.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/stream/live_event.h"
#include "runtime/stream/live_vocabulary.h"

namespace espalier {

struct TimedToken {
  int id = 0;
  float log_prob = 0;
  int64_t at_ms = -1;  // in the stream; -1: not known
};

// Not thread-safe.
class Utterance {
 public:
  Utterance() = default;
  Utterance(int64_t id, int64_t begin_ms) : id_(id), begin_ms_(begin_ms) {}

  int64_t id() const { return id_; }
  int64_t begin_ms() const { return begin_ms_; }
  const std::vector<TimedToken>& committed() const { return committed_; }
  const std::vector<TimedToken>& tentative() const { return tentative_; }
  std::vector<int> CommittedIds() const;

  // The text behind the committed tokens is `tokens`, of which the first `certain` will stay.
  void Update(std::vector<TimedToken> tokens, int certain);
  // All of it will stay, or none of what is tentative.
  void CommitAll() { Update(std::move(tentative_), static_cast<int>(tentative_.size())); }
  void DropTentative() { tentative_.clear(); }

  // Moves the committed tokens from `count` on, and the tentative ones, to the utterance `id` that
  // begins at begin_ms; this one keeps the others.
  Utterance SplitOff(int count, int64_t id, int64_t begin_ms);

  // Ids, text, words, times and figures of the utterance, which ends at end_ms.
  LiveEvent Describe(LiveEventType type, int64_t end_ms, const LiveVocabulary& vocabulary,
                     const std::string& language) const;
  // Counts how often text that was shown was replaced, for Describe's revision.
  void CountRevision(const std::string& shown);
  int revision() const { return revision_; }
  bool ShownDiffers(const std::string& shown) const { return shown != shown_; }

 private:
  std::vector<Word> Words(int64_t end_ms, const LiveVocabulary& vocabulary,
                          const std::string& language) const;

  int64_t id_ = 0;
  int64_t begin_ms_ = 0;
  std::vector<TimedToken> committed_, tentative_;
  std::string shown_;
  int revision_ = 0;
};

}  // namespace espalier
