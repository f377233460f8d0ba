#include "runtime/search/ctc_alignment.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/base/string_format.h"

namespace espalier {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

// State 2i is the blank before token i, state 2i + 1 the token.
Result<std::vector<int>> AlignByCtc(std::span<const float> log_probs, int vocabulary, int blank_id,
                                    std::span<const int> tokens) {
  const auto width = static_cast<size_t>(vocabulary);
  const size_t steps = log_probs.size() / width, states = 2 * tokens.size() + 1;
  size_t needed = tokens.size();
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= vocabulary) {
      return InvalidArgument(StrFormat("token %d is not in the vocabulary", tokens[i]));
    }
    needed += i > 0 && tokens[i] == tokens[i - 1] ? 1 : 0;
  }
  if (steps < std::max<size_t>(needed, 1)) {
    return InvalidArgument(StrFormat("%zu tokens do not fit %zu steps", tokens.size(), steps));
  }
  const auto symbol = [&](size_t state) {
    return static_cast<size_t>(state % 2 == 0 ? blank_id : tokens[state / 2]);
  };
  std::vector<float> best(states, kNever), next(states);
  std::vector<uint8_t> came_from(steps * states);  // so many states back
  for (size_t step = 0; step < steps; ++step) {
    const std::span<const float> row = log_probs.subspan(step * width, width);
    for (size_t state = 0; state < states; ++state) {
      const bool may_skip = state % 2 == 1 && state >= 2 && symbol(state) != symbol(state - 2);
      const size_t furthest = std::min<size_t>(state, may_skip ? 2 : 1);
      float from = step == 0 && state < 2 ? 0.0f : kNever;
      for (size_t back = 0; step > 0 && back <= furthest; ++back) {
        if (best[state - back] <= from) continue;
        from = best[state - back];
        came_from[step * states + state] = static_cast<uint8_t>(back);
      }
      next[state] = from + row[symbol(state)];
    }
    best.swap(next);
  }
  size_t state = states - 1;
  if (states > 1 && best[states - 2] > best[state]) state = states - 2;
  if (!std::isfinite(best[state])) return Internal("CTC gives the text no probability");
  std::vector<int> at(tokens.size());
  std::vector<float> likeliest(tokens.size(), kNever);
  for (size_t step = steps; step-- > 0; state -= came_from[step * states + state]) {
    if (state % 2 == 0) continue;
    const float log_prob = log_probs[step * width + symbol(state)];
    if (log_prob < likeliest[state / 2]) continue;
    likeliest[state / 2] = log_prob;
    at[state / 2] = static_cast<int>(step);
  }
  return at;
}

std::vector<int> StepsWithTokens(std::span<const float> log_probs, int vocabulary, int blank_id) {
  const auto width = static_cast<size_t>(vocabulary);
  std::vector<int> steps;
  for (size_t step = 0; step < log_probs.size() / width; ++step) {
    const std::span<const float> row = log_probs.subspan(step * width, width);
    const auto likeliest = std::max_element(row.begin(), row.end()) - row.begin();
    if (likeliest != blank_id) steps.push_back(static_cast<int>(step));
  }
  return steps;
}

}  // namespace espalier
