#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// log Σ exp over `ids` of a row.
double LogSum(const float* row, const std::vector<int32_t>& ids) {
  double largest = kNever, total = 0.0;
  for (const int32_t id : ids) largest = std::max(largest, double{row[id]});
  const double shift = largest == kNever ? 0.0 : largest;
  for (const int32_t id : ids) total += std::exp(double{row[id]} - shift);
  return shift + std::log(total);
}

}  // namespace

void Run(const TopTokensOp& op, const Operands& operands) {
  const MatrixView<float> x = operands.F32(op.log_probs), scores = operands.F32(op.scores);
  const MatrixView<const int32_t> allowed = operands.I32(op.allowed);
  const MatrixView<int32_t> tokens = operands.WritableI32(op.tokens);
  const int64_t count = tokens.columns / 2;
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* const row = x.row(r);
    for (int64_t group = 0; group < 2; ++group) {
      std::vector<int32_t> ids;
      for (int32_t t = 0; t < x.columns; ++t) {
        const bool in_split = t >= op.split_begin && t < op.split_end;
        const bool may = (static_cast<uint32_t>(allowed.row(r)[t / 32]) >> (t % 32) & 1) != 0;
        if (may && in_split == (group == 1)) ids.push_back(t);
      }
      scores.row(r)[2 * count + group] = static_cast<float>(LogSum(row, ids));
      std::erase_if(ids, [&](int32_t t) { return !(double{row[t]} > kNever); });
      std::stable_sort(ids.begin(), ids.end(),
                       [&](int32_t a, int32_t b) { return row[a] > row[b]; });
      for (int64_t i = 0; i < count; ++i) {
        const bool found = i < static_cast<int64_t>(ids.size());
        const int32_t id = found ? ids[static_cast<size_t>(i)] : -1;
        tokens.row(r)[group * count + i] = id;
        scores.row(r)[group * count + i] = found ? row[id] : static_cast<float>(kNever);
      }
    }
    scores.row(r)[2 * count + 2] = row[op.watched];
  }
}

}  // namespace espalier::reference
