#include "runtime/stream/utterance.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace espalier {
namespace {

// A token looks somewhere into its sound: a word reaches half way to its neighbours, but no further
// than this.
constexpr int64_t kLongestReachMs = 300;

std::vector<int> IdsOf(const std::vector<TimedToken>& tokens) {
  std::vector<int> ids;
  ids.reserve(tokens.size());
  for (const TimedToken& token : tokens) ids.push_back(token.id);
  return ids;
}

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
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
std::vector<LiveWord> Utterance::Words(int64_t end_ms, const LiveVocabulary& vocabulary,
                                       const std::string& language) const {
  const std::vector<int> ids = IdsOf(committed_);
  std::vector<int64_t> at(ids.size());
  int64_t last_ms = begin_ms_;
  for (size_t i = 0; i < ids.size(); ++i) {
    last_ms = std::clamp(committed_[i].at_ms, last_ms, std::max(last_ms, end_ms));
    at[i] = last_ms;
  }
  std::vector<LiveWord> words;
  for (const WordSpan& span : vocabulary.Words(ids, language)) {
    const auto begin = static_cast<size_t>(span.begin), end = static_cast<size_t>(span.end);
    const int64_t before = begin > 0 ? at[begin - 1] : begin_ms_;
    const int64_t after = end < at.size() ? at[end] : end_ms;
    const int64_t first = at[begin], last = at[end - 1];
    LiveWord word;
    word.text = Trimmed(vocabulary.Text(std::span<const int>(ids).subspan(begin, end - begin)));
    word.t0_ms = begin > 0 ? std::max((before + first) / 2, first - kLongestReachMs)
                           : std::max(before, first - kLongestReachMs);
    word.t1_ms = end < at.size() ? std::min((last + after) / 2, last + kLongestReachMs)
                                 : std::min(after, last + kLongestReachMs);
    double sum = 0;
    for (size_t i = begin; i < end; ++i) sum += double{committed_[i].log_prob};
    word.probability = std::exp(sum / static_cast<double>(end - begin));
    if (!word.text.empty()) words.push_back(std::move(word));
  }
  return words;
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
