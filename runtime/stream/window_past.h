// What a window holds before the utterance at hand.
//
// A rest ends an utterance soon, often within a sentence. A window that began behind it would not
// know what the sentence is about (whisper-base hears "what you are country" where "ask not" was
// said before, and "as" for "ask"). So utterances that ended just now stay: their audio in the
// window, their tokens as what its text begins with, whatever is heard. Non-goals: text before the
// window (LiveVocabulary::Prompt).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "runtime/stream/live_vocabulary.h"
#include "runtime/stream/utterance.h"

namespace espalier {

// Not thread-safe.
class WindowPast {
 public:
  bool empty() const { return pieces_.empty(); }
  // Of the first utterance that is there; not when empty.
  int64_t begin_ms() const { return pieces_.front().begin_ms; }

  void Add(const Utterance& utterance);
  void Clear() { pieces_.clear(); }
  // Utterances that began before `from_ms` leave; their tokens.
  std::vector<int> TakeBefore(int64_t from_ms);

  // The tokens that the window's text begins with, the rests between utterances written.
  std::vector<int> Prefix(const LiveVocabulary& vocabulary, const std::string& language) const;
  // The latest time that one of them looks at; -1: none does.
  int64_t HeardMs() const;

 private:
  struct Piece {
    int64_t begin_ms = 0;
    std::vector<TimedToken> tokens = {};
  };
  std::deque<Piece> pieces_;  // oldest first
};

}  // namespace espalier
