// Finds decoding loops: the same tokens said over and over at the end of a hypothesis.
//
// Goals: stop a decoder that will never end, early, and keep the text before the loop. Non-goals:
// repetitions that are not consecutive, which are speech (conventions §1.2), and loops through time
// tokens: each turn of those moves the time on, so they end by themselves.
//
// The thresholds. A window of 30 s holds about 195 tokens at the fastest speech (6.5 a second), so
// 40 tokens of one loop are six seconds of nothing else. Six repeats on top let a refrain pass that
// is sung five times. Speech stays far below both: "no no no" is 3 tokens, "ha ha ha ha" 4 to 8, a
// telephone number of equal digits about 10. A stuck decoder passes both within its next 40 tokens
// or six turns and would otherwise go on to the length limit (749 steps for OWSM).
#pragma once

#include <span>

namespace espalier {

struct RepetitionOptions {
  bool enabled = true;
  int max_period = 32;       // longest n-gram looked for, in tokens
  int min_repeats = 6;       // whole turns, the first one included
  int min_loop_tokens = 40;  // of all turns together
  int kept_repeats = 1;      // turns that stay in the text when a loop is cut
};

// period 0: no loop.
struct RepeatedTail {
  int period = 0;       // tokens of one turn, the shortest that explains the tail
  int loop_tokens = 0;  // length of the periodic tail: whole turns and the begun one before them
};

// Tokens that FindRepeatedTail looks at, at most; a longer span is allowed.
int RepetitionWindow(const RepetitionOptions& options);

// Looks at the end of `tokens` only. Calling it after each token finds a loop at the token that
// completes the thresholds.
RepeatedTail FindRepeatedTail(std::span<const int> tokens, const RepetitionOptions& options);

// Tokens that remain of a sequence of `length` tokens when `tail` is cut to its kept turns.
int LengthWithoutLoop(int length, const RepeatedTail& tail, const RepetitionOptions& options);

}  // namespace espalier
