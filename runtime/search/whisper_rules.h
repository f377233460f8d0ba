// What Whisper may say next (openai-whisper decoding.py: SuppressBlank, SuppressTokens,
// ApplyTimestampRules).
//
// Goals: the same tokens forbidden at the same steps, from a few bytes of state per hypothesis
// instead of its tokens. Non-goals: OWSM's rule (time_filter.h), which differs.
#pragma once

#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/token_choices.h"

namespace espalier {

// Ids of a Whisper checkpoint that decoding must know.
struct WhisperTokenIds {
  int sot = 0;
  int eot = 0;
  int sot_prev = 0;
  int no_speech = 0;
  int no_timestamps = 0;
  int transcribe = -1;  // -1, as translate: an English-only model, which has none
  int translate = -1;
  int first_time = 0;                        // "<|0.00|>"; times reach to the vocabulary's end
  int max_initial_timestamp_index = 50;      // latest first time, in steps of 20 ms; < 0: any
  std::vector<int> suppress_ids = {};        // never sampled
  std::vector<int> begin_suppress_ids = {};  // not sampled first
};

// What the rules need to know of the sampled tokens of a hypothesis. Copied from parent to child.
struct WhisperRuleState {
  int length = 0;
  bool last_is_time = false;
  bool before_last_is_time = true;  // also where there is no token before the last
  int last_time = -1;               // -1: none yet
};

// May be shared by threads while nobody calls set_latest_time.
class WhisperRules {
 public:
  // timestamps: whether time tokens are wanted. Errors: kInvalidArgument (an id outside the
  // vocabulary, times that do not come after the end token).
  static Result<WhisperRules> Create(const WhisperTokenIds& ids, int vocabulary_size,
                                     bool timestamps);

  const WhisperTokenIds& ids() const { return ids_; }
  int vocabulary_size() const { return vocabulary_size_; }
  // The latest time of the windows from here on, in steps of 20 ms; negative: any. A window that is
  // fed at its true length ends before 30 s, and what is said to be later is nowhere.
  void set_latest_time(int steps) { latest_time_ = steps; }
  bool IsTime(int token) const { return token >= ids_.first_time; }

  void Append(int token, WhisperRuleState* state) const;

  TokenGroups groups() const {
    return {.times_begin = ids_.first_time, .times_end = vocabulary_size_, .end_token = ids_.eot};
  }

  // Makes `allowed` the set of the tokens that may follow `state`. Whether a time must follow is
  // not known before the model has been asked: TimesOnly.
  void Allow(const WhisperRuleState& state, TokenBits allowed) const;

  // The choices are those of a row under Allow's set. Whether only a time may follow: all times
  // together are likelier than the best other token, so that no single one needs to win.
  bool TimesOnly(const TokenChoices::Group& others, const TokenChoices::Group& times) const {
    return timestamps_ && times.log_sum > others.best();
  }
  // The logarithm of the probability that the rules leave, which the log-probabilities of what is
  // allowed must be lowered by: -inf when nothing is left, NaN when the model gave no numbers.
  float LogTotal(const TokenChoices::Group& others, const TokenChoices::Group& times) const;

  // All of it for a whole row, (vocabulary) f32: puts -inf where a token is forbidden, returns the
  // total. `allowed`: Allow's set.
  float Apply(std::span<const int32_t> allowed, std::span<float> log_probs) const;

 private:
  WhisperRules() = default;
  void AllowTimes(const WhisperRuleState& state, TokenBits allowed) const;

  WhisperTokenIds ids_;
  std::vector<int32_t> not_suppressed_;  // TokenBits
  int vocabulary_size_ = 0;
  bool timestamps_ = false;
  int latest_time_ = -1;
};

}  // namespace espalier
