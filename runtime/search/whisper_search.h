// Whisper's decoding of one window (openai-whisper decoding.py): greedy, beam search, sampling.
//
// Goals: the tokens and the figures of openai-whisper; no allocation inside a step. Non-goals:
// temperature fallback (whisper_fallback.h), long audio (segments.h), length penalties other than
// the mean. Where openai-whisper would fill the beam with forbidden tokens (probability 0) this
// search keeps a narrower beam, and what loops is cut.
#pragma once

#include <random>
#include <span>
#include <stop_token>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/outcome.h"
#include "runtime/search/repetition.h"
#include "runtime/search/scorer.h"
#include "runtime/search/whisper_rules.h"

namespace espalier {

// The source of randomness at temperatures above 0; the standard fixes its sequence for a seed.
using SampleGenerator = std::mt19937_64;

struct WhisperPromptParts {
  std::span<const int> previous = {};  // tokens before this window; empty: none
  int language = -1;                   // token; -1, as task: an English-only model
  int task = -1;
  bool timestamps = true;
};

// [sot_prev, the end of the previous text,] sot [, language, task] [, no_timestamps].
// max_positions: of the decoder; the previous text gets less than half of them.
std::vector<int> BuildWhisperPrompt(const WhisperTokenIds& ids, const WhisperPromptParts& parts,
                                    int max_positions);

struct WhisperDecodeOptions {
  int beam_size = 1;  // at temperature 0; 1 is greedy decoding
  int best_of = 1;    // samples drawn at temperatures above 0
  RepetitionOptions repetition = {};
};

struct WhisperResult {
  std::vector<int> tokens;       // sampled, times among them, without the end token
  std::vector<float> log_probs;  // of each of them, after the rules
  double avg_log_prob = 0.0;     // per token, the end counted as one; of a cut loop, before the cut
  double no_speech_prob = 0.0;   // by the unfiltered scores after sot
  double temperature = 0.0;
  DecodeOutcome outcome = DecodeOutcome::kComplete;
};

// prompt: as BuildWhisperPrompt makes it. Samples at most half as many tokens as the decoder has
// positions (kTruncated). Errors: kInvalidArgument (options, a prompt without sot or too long,
// rules of another vocabulary), kInternal (the scorer gave no number, or the rules leave no token),
// kCancelled, those of the scorer.
Result<WhisperResult> WhisperSearch(TokenScorer& scorer, const WhisperRules& rules,
                                    std::span<const int> prompt,
                                    const WhisperDecodeOptions& options, double temperature,
                                    SampleGenerator& generator, const std::stop_token& stop);

}  // namespace espalier
