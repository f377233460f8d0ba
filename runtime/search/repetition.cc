#include "runtime/search/repetition.h"

#include <algorithm>

namespace espalier {

namespace {

int NeededTokens(int period, const RepetitionOptions& options) {
  return std::max(period * std::max(options.min_repeats, 2), options.min_loop_tokens);
}

}  // namespace

int RepetitionWindow(const RepetitionOptions& options) {
  return NeededTokens(std::max(options.max_period, 1), options);
}

RepeatedTail FindRepeatedTail(std::span<const int> tokens, const RepetitionOptions& options) {
  if (!options.enabled) return {};
  const int size = static_cast<int>(tokens.size());
  const auto at = [&](int i) { return tokens[static_cast<size_t>(i)]; };
  for (int period = 1; period <= options.max_period; ++period) {
    const int needed = NeededTokens(period, options);
    if (needed > size) continue;
    // tokens[i] == tokens[i - period] backwards from the end, as long as it holds.
    int first = size - 1;
    while (first - period >= 0 && at(first) == at(first - period)) --first;
    const int loop_tokens = size - (first + 1) + period;
    if (loop_tokens >= needed) return {period, loop_tokens};
  }
  return {};
}

int LengthWithoutLoop(int length, const RepeatedTail& tail, const RepetitionOptions& options) {
  if (tail.period == 0) return length;
  const int kept = tail.period * std::max(options.kept_repeats, 1);
  return length - std::max(tail.loop_tokens - kept, 0);
}

}  // namespace espalier
