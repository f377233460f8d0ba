#include "runtime/stream/utterance.h"

#include <algorithm>
#include <utility>

namespace espalier {
namespace {

std::vector<int> IdsOf(const std::vector<TimedToken>& tokens) {
  std::vector<int> ids;
  ids.reserve(tokens.size());
  for (const TimedToken& token : tokens) ids.push_back(token.id);
  return ids;
}

}  // namespace

std::vector<int> Utterance::CommittedIds() const { return IdsOf(committed_); }

void Utterance::Update(std::vector<TimedToken> tokens, int certain) {
  const auto split = tokens.begin() + std::min<int64_t>(certain, std::ssize(tokens));
  committed_.insert(committed_.end(), tokens.begin(), split);
  tentative_.assign(split, tokens.end());
}

Utterance Utterance::SplitOff(int count, int64_t id, int64_t begin_ms) {
  Utterance rest(id, begin_ms);
  rest.committed_.assign(committed_.begin() + count, committed_.end());
  rest.tentative_ = std::move(tentative_);
  tentative_.clear();
  committed_.resize(static_cast<size_t>(count));
  return rest;
}

void Utterance::CountRevision(const std::string& shown) {
  if (!shown.starts_with(shown_)) ++revision_;
  shown_ = shown;
}

// Times that are not known are those of the token before. They never go back.
std::vector<Word> Utterance::Words(int64_t end_ms, const LiveVocabulary& vocabulary,
                                   const std::string& language) const {
  std::vector<int64_t> at;
  std::vector<float> log_probs;
  int64_t last_ms = begin_ms_;
  for (const TimedToken& token : committed_) {
    last_ms = std::clamp(token.at_ms, last_ms, std::max(last_ms, end_ms));
    at.push_back(last_ms);
    log_probs.push_back(token.log_prob);
  }
  return MakeWords(vocabulary.splitter(), language, IdsOf(committed_), log_probs,
                   TimesAround(at, begin_ms_, end_ms));
}

LiveEvent Utterance::Describe(LiveEventType type, int64_t end_ms, const LiveVocabulary& vocabulary,
                              const std::string& language) const {
  LiveEvent event;
  event.type = type;
  event.utterance_id = id_;
  event.t0_ms = begin_ms_;
  event.t1_ms = std::max(end_ms, begin_ms_);
  std::vector<int> ids = IdsOf(committed_);
  event.committed = vocabulary.Text(ids);
  const std::vector<int> more = IdsOf(tentative_);
  ids.insert(ids.end(), more.begin(), more.end());
  // Tokens may share a character: the tentative text is what the whole has on top.
  std::string whole = vocabulary.Text(ids);
  if (event.committed.starts_with(' ')) event.committed.erase(0, 1);
  if (whole.starts_with(' ')) whole.erase(0, 1);
  if (whole.starts_with(event.committed)) event.tentative = whole.substr(event.committed.size());
  event.revision = revision_;
  event.words = Words(event.t1_ms, vocabulary, language);
  event.language = language;
  double sum = 0;
  for (const TimedToken& token : committed_) sum += double{token.log_prob};
  if (!committed_.empty()) event.avg_log_prob = sum / static_cast<double>(committed_.size());
  return event;
}

}  // namespace espalier
