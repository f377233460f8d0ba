#include "runtime/search/attention_alignment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace espalier {
namespace {

constexpr int kMedianWidth = 7;  // steps, as openai's

// Each step's weights less their mean over the rows, in standard deviations.
std::vector<float> Normalised(std::span<const float> weights, size_t rows, size_t steps) {
  std::vector<float> result(weights.size());
  for (size_t t = 0; t < steps; ++t) {
    double sum = 0, squares = 0;
    for (size_t r = 0; r < rows; ++r) sum += double{weights[r * steps + t]};
    const double mean = sum / static_cast<double>(rows);
    for (size_t r = 0; r < rows; ++r) {
      const double off = double{weights[r * steps + t]} - mean;
      squares += off * off;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(rows));
    for (size_t r = 0; deviation > 0 && r < rows; ++r) {
      result[r * steps + t] =
          static_cast<float>((double{weights[r * steps + t]} - mean) / deviation);
    }
  }
  return result;
}

// The median of the steps around each one, mirrored at the ends.
void Smooth(std::span<float> row) {
  constexpr int kReach = kMedianWidth / 2;
  const auto steps = static_cast<int>(row.size());
  if (steps <= kReach) return;
  const std::vector<float> before(row.begin(), row.end());
  for (int t = 0; t < steps; ++t) {
    std::array<float, kMedianWidth> around;
    for (int k = -kReach; k <= kReach; ++k) {
      const int at = std::abs(t + k);
      around[static_cast<size_t>(k + kReach)] =
          before[static_cast<size_t>(at < steps ? at : 2 * (steps - 1) - at)];
    }
    std::nth_element(around.begin(), around.begin() + kReach, around.end());
    row[static_cast<size_t>(t)] = around[kReach];
  }
}

enum Move : uint8_t { kDiagonal, kNextRow, kNextStep };

}  // namespace

Result<std::vector<int>> AlignByAttention(std::span<const float> weights, int rows) {
  if (rows < 1 || weights.empty() || weights.size() % static_cast<size_t>(rows) != 0) {
    return InvalidArgument("attention to align by: no whole rows");
  }
  const auto row_count = static_cast<size_t>(rows);
  const size_t steps = weights.size() / row_count;
  if (!std::all_of(weights.begin(), weights.end(), [](float w) { return std::isfinite(w); })) {
    return Internal("the decoder's source attention is not numbers");
  }
  std::vector<float> gain = Normalised(weights, row_count, steps);
  for (size_t r = 0; r < row_count; ++r) Smooth(std::span(gain).subspan(r * steps, steps));

  // best[t]: of the paths from the first row and step to row r and step t, the largest sum.
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  std::vector<double> before(steps, kNever), best(steps);
  std::vector<Move> moves(weights.size());
  for (size_t r = 0; r < row_count; ++r) {
    for (size_t t = 0; t < steps; ++t) {
      const double diagonal = r == 0 && t == 0 ? 0.0 : (t > 0 ? before[t - 1] : kNever);
      const double row = before[t], step = t > 0 ? best[t - 1] : kNever;
      double from = diagonal;
      Move move = kDiagonal;
      if (row > from) {
        from = row;
        move = kNextRow;
      }
      if (step > from) {
        from = step;
        move = kNextStep;
      }
      best[t] = from + double{gain[r * steps + t]};
      moves[r * steps + t] = move;
    }
    before.swap(best);
  }

  std::vector<int> begins(row_count);
  size_t row = row_count - 1, step = steps - 1;
  for (;;) {
    begins[row] = static_cast<int>(step);
    if (row == 0 && step == 0) return begins;
    const Move move = moves[row * steps + step];
    if (move != kNextRow) --step;
    if (move != kNextStep) --row;
  }
}

}  // namespace espalier
