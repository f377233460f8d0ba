#include "runtime/stream/window_past.h"

#include <algorithm>

namespace espalier {

void WindowPast::Add(const Utterance& utterance) {
  pieces_.push_back({.begin_ms = utterance.begin_ms(), .tokens = utterance.committed()});
}

std::vector<int> WindowPast::TakeBefore(int64_t from_ms) {
  std::vector<int> ids;
  while (!pieces_.empty() && pieces_.front().begin_ms < from_ms) {
    for (const TimedToken& token : pieces_.front().tokens) ids.push_back(token.id);
    pieces_.pop_front();
  }
  return ids;
}

std::vector<int> WindowPast::Prefix(const LiveVocabulary& vocabulary,
                                    const std::string& language) const {
  std::vector<int> ids;
  for (const Piece& piece : pieces_) {
    for (const TimedToken& token : piece.tokens) ids.push_back(token.id);
    vocabulary.AppendRest(language, &ids);
  }
  return ids;
}

int64_t WindowPast::HeardMs() const {
  int64_t heard_ms = -1;
  for (const Piece& piece : pieces_) {
    for (const TimedToken& token : piece.tokens) heard_ms = std::max(heard_ms, token.at_ms);
  }
  return heard_ms;
}

}  // namespace espalier
