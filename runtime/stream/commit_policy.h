// Which tokens of a hypothesis will not change when more audio comes.
//
// Goals: two published answers behind one interface, so that they can be measured side by side.
// Non-goals: whole words, times, the end of an utterance (there everything is certain).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/stream/live_decoder.h"

namespace espalier {

struct CommitInput {
  std::span<const LiveToken> hypothesis;  // behind the committed tokens
  int committed_count = 0;                // tokens of this utterance committed before
  int content_steps = 0;                  // of audio in the window
  int heard_step = 0;                     // the furthest that committed tokens look at
};

// One session; not thread-safe.
class CommitPolicy {
 public:
  virtual ~CommitPolicy() = default;
  // How many of the hypothesis' tokens are certain.
  virtual int CertainTokens(const CommitInput& input) = 0;
  // The committed tokens are no longer those that CertainTokens has seen: another utterance, or its
  // beginning was cut off.
  virtual void Forget() {}
  // Nothing that looks at this step or a later one can be certain, so that decoding may stop there
  // when nobody sees the rest; -1: the whole hypothesis is needed.
  virtual int StopStep(int content_steps) const = 0;
};

// What two updates running agree about (Liu et al. 2020, arXiv:2005.11185; Machacek et al. 2023,
// arXiv:2307.14743).
std::unique_ptr<CommitPolicy> MakeLocalAgreement();

// Tokens before the first one that looks at the last `guard_steps` of the audio (twice as many
// where the model half expected another token), or far back behind what was heard already, which is
// how a decoder begins to invent (Papi et al. 2023, arXiv:2305.11408). rewind_steps: how far back
// is too far.
std::unique_ptr<CommitPolicy> MakeAlignAtt(int guard_steps, int rewind_steps);

}  // namespace espalier
