#include "runtime/search/whisper_rules.h"

#include <algorithm>
#include <limits>

#include "runtime/base/string_format.h"
#include "runtime/search/log_math.h"

namespace espalier {

namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

void Forbid(std::span<float> scores, int begin, int end) {
  if (begin < end) std::fill(scores.begin() + begin, scores.begin() + end, kForbidden);
}

void Forbid(std::span<float> scores, std::span<const int> ids) {
  for (const int id : ids) scores[static_cast<size_t>(id)] = kForbidden;
}

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
  return rules;
}

void WhisperRules::Append(int token, WhisperRuleState* state) const {
  state->before_last_is_time = state->length == 0 || state->last_is_time;
  state->last_is_time = IsTime(token);
  if (state->last_is_time) state->last_time = token;
  ++state->length;
}

float WhisperRules::Apply(const WhisperRuleState& state, std::span<float> log_probs) const {
  if (state.length == 0) Forbid(log_probs, ids_.begin_suppress_ids);
  Forbid(log_probs, ids_.suppress_ids);
  if (timestamps_) ApplyTimeRules(state, log_probs);
  return LogSumExp(log_probs);
}

void WhisperRules::ApplyTimeRules(const WhisperRuleState& state, std::span<float> log_probs) const {
  const int first_time = ids_.first_time;
  log_probs[static_cast<size_t>(ids_.no_timestamps)] = kForbidden;
  if (state.last_is_time && state.before_last_is_time) {
    Forbid(log_probs, first_time, vocabulary_size_);  // a segment has begun: words, or the end
  } else if (state.last_is_time) {
    Forbid(log_probs, 0, ids_.eot);  // a segment has ended: another time, or the end
  }
  if (state.last_time >= 0) {
    // Times never go back, and a segment lasts at least one step, or decoding might never end.
    const bool next_may_equal = state.last_is_time && !state.before_last_is_time;
    Forbid(log_probs, first_time, state.last_time + (next_may_equal ? 0 : 1));
  }
  if (latest_time_ >= 0) Forbid(log_probs, first_time + latest_time_ + 1, vocabulary_size_);
  if (state.length == 0) {
    Forbid(log_probs, 0, first_time);
    if (ids_.max_initial_timestamp_index >= 0) {
      Forbid(log_probs, first_time + ids_.max_initial_timestamp_index + 1, vocabulary_size_);
    }
  }
  // All times together against the best other token: no single time needs to win.
  const auto split = static_cast<size_t>(first_time);
  if (LogSumExp(log_probs.subspan(split)) > MaxOf(log_probs.first(split))) {
    Forbid(log_probs, 0, first_time);
  }
}

}  // namespace espalier
