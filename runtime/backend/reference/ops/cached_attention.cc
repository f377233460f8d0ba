#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {
namespace {

// Of columns [begin, begin + count) of a query and of a row of the keys.
double Dot(const float* query, const NumberView& keys, int64_t row, int64_t begin, int64_t count) {
  double sum = 0.0;
  for (int64_t c = begin; c < begin + count; ++c)
    sum += double{query[c]} * double{keys.Get(row, c)};
  return sum;
}

// Cache rows that hold positions 0 … position of the hypothesis in `lane`.
std::vector<int64_t> CacheRows(const CachedAttentionOp& op, const int32_t* history,
                               int32_t position) {
  std::vector<int64_t> rows;
  for (int64_t p = 0; p <= position; ++p) rows.push_back(p * op.lane_count + history[p]);
  return rows;
}

// One row and head: y = Σ softmax(q·K / sqrt(width)) · V over `rows`.
void AttendHead(const float* q, const NumberView& keys, const NumberView& values,
                const std::vector<int64_t>& rows, int64_t begin, int64_t width, float* y) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(width));
  std::vector<double> p;
  for (const int64_t row : rows) p.push_back(scale * Dot(q, keys, row, begin, width));
  const double largest = *std::max_element(p.begin(), p.end());
  double total = 0.0;
  for (double& score : p) total += score = std::exp(score - largest);
  for (int64_t c = begin; c < begin + width; ++c) {
    double sum = 0.0;
    for (size_t i = 0; i < rows.size(); ++i) sum += p[i] * double{values.Get(rows[i], c)};
    y[c] = static_cast<float>(sum / total);
  }
}

}  // namespace

void Run(const CachedAttentionOp& op, const Operands& operands) {
  const MatrixView<float> q = operands.F32(op.query);
  const MatrixView<float> k = operands.F32(op.key);
  const MatrixView<float> v = operands.F32(op.value);
  const NumberView keys = operands.Numbers(op.key_cache);
  const NumberView values = operands.Numbers(op.value_cache);
  const MatrixView<const int32_t> positions = operands.I32(op.positions);
  const MatrixView<const int32_t> lanes = operands.I32(op.lanes);
  const MatrixView<const int32_t> history = operands.I32(op.history);
  const MatrixView<float> y = operands.F32(op.output);
  const int64_t width = q.columns / op.heads;
  for (int64_t r = 0; r < q.rows; ++r) {
    const int64_t row = int64_t{*positions.row(r)} * op.lane_count + *lanes.row(r);
    for (int64_t c = 0; c < k.columns; ++c) {
      keys.Set(row, c, k.row(r)[c]);
      values.Set(row, c, v.row(r)[c]);
    }
  }
  for (int64_t r = 0; r < q.rows; ++r) {
    const auto rows = CacheRows(op, history.row(*lanes.row(r)), *positions.row(r));
    for (int64_t begin = 0; begin < q.columns; begin += width) {
      AttendHead(q.row(r), keys, values, rows, begin, width, y.row(r));
    }
  }
}

}  // namespace espalier::reference
