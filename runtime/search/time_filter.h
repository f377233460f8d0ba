// Which tokens OWSM may say next, so that times pair up and never go back (spec §10, score filter).
//
// Goals: ESPnet's rule exactly, in O(1) state per hypothesis instead of a scan of its tokens.
// Non-goals: Whisper's rules (whisper_rules.h), which differ.
#pragma once

#include <array>
#include <span>

#include "runtime/base/status.h"
#include "runtime/search/token_set.h"

namespace espalier {

// Ids of an OWSM checkpoint that the search must know; first_time … last_time is inclusive.
struct OwsmTimeRules {
  int sos = 0;
  int eos = 0;
  int notimestamps = 0;
  int first_time = 0;
  int last_time = 0;

  bool IsTime(int token) const { return token >= first_time && token <= last_time; }
};

// Errors: kInvalidArgument when an id lies outside [0, vocabulary) or the times are no range.
Status CheckTimeRules(const OwsmTimeRules& rules, int vocabulary);

// What the rule needs to know of a hypothesis (primer included). Copied from parent to child.
class TimeState {
 public:
  TimeState() = default;
  explicit TimeState(const OwsmTimeRules& rules, std::span<const int> primer);

  void Append(const OwsmTimeRules& rules, int token);

  // Takes out of `allowed` what `rules` forbids to be the next token.
  void Restrict(const OwsmTimeRules& rules, int vocabulary, TokenBits allowed) const;

 private:
  std::array<int, 3> last_ = {-1, -1, -1};  // y[-3], y[-2], y[-1]; -1 where y is shorter
  int time_count_ = 0;
  int last_time_ = -1;
  bool without_times_ = false;
};

}  // namespace espalier
