#include "runtime/search/time_filter.h"

#include "runtime/base/string_format.h"

namespace espalier {

Status CheckTimeRules(const OwsmTimeRules& rules, int vocabulary) {
  for (const int id :
       {rules.sos, rules.eos, rules.notimestamps, rules.first_time, rules.last_time}) {
    if (id < 0 || id >= vocabulary) {
      return InvalidArgument(
          StrFormat("time rules: id %d, expected one below the vocabulary's %d", id, vocabulary));
    }
  }
  if (rules.first_time > rules.last_time) {
    return InvalidArgument(StrFormat("time rules: first time %d comes after the last, %d",
                                     rules.first_time, rules.last_time));
  }
  return OkStatus();
}

TimeState::TimeState(const OwsmTimeRules& rules, std::span<const int> primer) {
  for (const int token : primer) Append(rules, token);
}

void TimeState::Append(const OwsmTimeRules& rules, int token) {
  last_ = {last_[1], last_[2], token};
  without_times_ = without_times_ || token == rules.notimestamps;
  if (rules.IsTime(token)) {
    ++time_count_;
    last_time_ = token;
  }
}

void TimeState::Restrict(const OwsmTimeRules& rules, int vocabulary, TokenBits allowed) const {
  const int after_times = rules.last_time + 1;
  if (without_times_) {
    Erase(allowed, rules.first_time, after_times);
  } else if (last_[0] == rules.sos) {
    // The first free token. Two of the primer's tokens follow sos: language and task.
    Erase(allowed, 0, rules.first_time);
    Erase(allowed, after_times, vocabulary);
  } else if (time_count_ % 2 != 0) {
    // Inside an utterance: text, or a later time that closes it. A previous text's times count too.
    Erase(allowed, rules.eos);
    Erase(allowed, rules.first_time, last_time_ + 1);
  } else if (rules.IsTime(last_[2])) {
    // Between utterances: the next one begins at this time or later, or everything is said.
    const bool may_end = Contains(allowed, rules.eos);
    Erase(allowed, 0, last_[2]);
    Erase(allowed, after_times, vocabulary);
    if (may_end) Insert(allowed, rules.eos);
  } else {
    Erase(allowed, 0, vocabulary);
  }
}

}  // namespace espalier
