#include "runtime/search/whisper_rules.h"

#include <algorithm>
#include <array>
#include <limits>

#include "runtime/base/string_format.h"
#include "runtime/search/log_math.h"

namespace espalier {

namespace {

Status CheckIds(const WhisperTokenIds& ids, int vocabulary) {
  const auto is_bad = [&](int id) { return id < 0 || id >= vocabulary; };
  std::vector<int> all = {ids.sot,       ids.eot,           ids.sot_prev,
                          ids.no_speech, ids.no_timestamps, ids.first_time};
  for (const int id : {ids.transcribe, ids.translate}) {
    if (id != -1) all.push_back(id);
  }
  all.insert(all.end(), ids.suppress_ids.begin(), ids.suppress_ids.end());
  all.insert(all.end(), ids.begin_suppress_ids.begin(), ids.begin_suppress_ids.end());
  if (const auto bad = std::find_if(all.begin(), all.end(), is_bad); bad != all.end()) {
    return InvalidArgument(StrFormat("Whisper rules: id %d, expected one below the vocabulary's %d",
                                     *bad, vocabulary));
  }
  if (ids.first_time <= ids.eot) {
    return InvalidArgument(StrFormat(
        "Whisper rules: first time %d, expected after the end token, %d", ids.first_time, ids.eot));
  }
  return OkStatus();
}

}  // namespace

Result<WhisperRules> WhisperRules::Create(const WhisperTokenIds& ids, int vocabulary_size,
                                          bool timestamps) {
  ESP_RETURN_IF_ERROR(CheckIds(ids, vocabulary_size));
  WhisperRules rules;
  rules.ids_ = ids;
  rules.vocabulary_size_ = vocabulary_size;
  rules.timestamps_ = timestamps;
  // decoding.py adds the prompt's symbols to whatever list it is given.
  std::vector<int>& suppressed = rules.ids_.suppress_ids;
  suppressed.insert(suppressed.end(), {ids.sot, ids.sot_prev, ids.no_speech});
  for (const int id : {ids.transcribe, ids.translate}) {
    if (id != -1) suppressed.push_back(id);
  }
  rules.not_suppressed_.assign(TokenWordCount(vocabulary_size), -1);
  for (const int id : suppressed) Erase(rules.not_suppressed_, id);
  return rules;
}

void WhisperRules::Append(int token, WhisperRuleState* state) const {
  state->before_last_is_time = state->length == 0 || state->last_is_time;
  state->last_is_time = IsTime(token);
  if (state->last_is_time) state->last_time = token;
  ++state->length;
}

void WhisperRules::Allow(const WhisperRuleState& state, TokenBits allowed) const {
  std::copy(not_suppressed_.begin(), not_suppressed_.end(), allowed.begin());
  if (state.length == 0) {
    for (const int id : ids_.begin_suppress_ids) Erase(allowed, id);
  }
  if (timestamps_) AllowTimes(state, allowed);
}

void WhisperRules::AllowTimes(const WhisperRuleState& state, TokenBits allowed) const {
  const int first_time = ids_.first_time;
  Erase(allowed, ids_.no_timestamps);
  if (state.last_is_time && state.before_last_is_time) {
    Erase(allowed, first_time, vocabulary_size_);  // a segment has begun: words, or the end
  } else if (state.last_is_time) {
    Erase(allowed, 0, ids_.eot);  // a segment has ended: another time, or the end
  }
  if (state.last_time >= 0) {
    // Times never go back, and a segment lasts at least one step, or decoding might never end.
    const bool next_may_equal = state.last_is_time && !state.before_last_is_time;
    Erase(allowed, first_time, state.last_time + (next_may_equal ? 0 : 1));
  }
  if (latest_time_ >= 0) Erase(allowed, first_time + latest_time_ + 1, vocabulary_size_);
  if (state.length == 0) {
    Erase(allowed, 0, first_time);
    if (ids_.max_initial_timestamp_index >= 0) {
      Erase(allowed, first_time + ids_.max_initial_timestamp_index + 1, vocabulary_size_);
    }
  }
}

float WhisperRules::LogTotal(const TokenChoices::Group& others,
                             const TokenChoices::Group& times) const {
  if (TimesOnly(others, times)) return times.log_sum;
  const std::array sums = {others.log_sum, times.log_sum};
  return LogSumExp(sums);
}

float WhisperRules::Apply(std::span<const int32_t> allowed, std::span<float> log_probs) const {
  Mask(allowed, log_probs);
  const std::span<float> others = log_probs.first(static_cast<size_t>(ids_.first_time));
  if (timestamps_ && LogSumExp(log_probs.subspan(others.size())) > MaxOf(others)) {
    std::fill(others.begin(), others.end(), -std::numeric_limits<float>::infinity());
  }
  return LogSumExp(log_probs);
}

}  // namespace espalier
