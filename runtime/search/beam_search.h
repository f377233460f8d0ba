// OWSM's beam search (spec §10): attention decoder, CTC, length bonus and the time rule together.
//
// Goals: the token ids that ESPnet finds, with its quirks, and scores in its float32 arithmetic; no
// allocation inside a step. Non-goals: Whisper's search (whisper_search.h) and long audio
// (segments.h). Where ESPnet would fill the beam with forbidden tokens (score -inf) or fail in the
// middle of a decoding that outgrew the audio, this search keeps a narrower beam, or stops as at
// the length limit.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/outcome.h"
#include "runtime/search/repetition.h"
#include "runtime/search/scorer.h"
#include "runtime/search/time_filter.h"

namespace espalier {

struct BeamOptions {
  int beam_size = 5;                  // 1 is greedy decoding
  double ctc_weight = 0.0;            // 0 … 1; the decoder weighs the rest. Needs notimestamps
  double length_penalty = 0.0;        // added for every token
  double maxlen_ratio = 0.0;          // of the encoder steps; 0: all of them, with end detection;
                                      // negative: that many tokens
  double minlen_ratio = 0.0;          // of the encoder steps; negative: that many tokens
  bool normalize_length = false;      // rank by score per token
  int step_limit = 0;                 // most tokens whatever the ratios say; 0: none
  RepetitionOptions repetition = {};  // what loops leaves the beam; the best one ends the search
};

// Sums over the tokens of a hypothesis, before weighting.
struct ScoreParts {
  double decoder = 0.0;
  double ctc = 0.0;
  double length_bonus = 0.0;
  double scorefilter = 0.0;  // always 0: forbidden tokens are never taken
};

struct Hypothesis {
  std::vector<int> tokens;  // primer, text, eos (twice when the limit met a finished hypothesis)
  std::vector<float> log_probs;  // the decoder's of each of them; 0 for the primer and an eos that
                                 // the search put
  double score = 0.0;            // weighted sum; of a cut loop, the sum before the cut
  ScoreParts parts;
  DecodeOutcome outcome = DecodeOutcome::kComplete;  // kTruncated: eos was put by the limit
};

struct BeamResult {
  std::vector<Hypothesis> nbest;                  // at most beam_size, best first; may be empty
  DecodeOutcome outcome = DecodeOutcome::kEmpty;  // of nbest[0]; kEmpty without one
  int steps = 0;                                  // decoder steps that ran
};

// Candidates that CTC scores for each hypothesis (without eos): what a scorer's
// ctc_candidate_count() must reach.
int CtcCandidateCount(int beam_size, int vocabulary);

// primer: [sop, previous …,] sos, language, task [, notimestamps]. encoder_steps: T'. Errors:
// kInvalidArgument (options, a CTC weight without CTC, a primer of less than three tokens, a primer
// longer than the audio with CTC), kInternal (the scorer gave no number), kCancelled, those of the
// scorer.
Result<BeamResult> BeamSearch(TokenScorer& scorer, const OwsmTimeRules& rules,
                              std::span<const int> primer, int encoder_steps,
                              const BeamOptions& options, const std::stop_token& stop);

}  // namespace espalier
