#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {
namespace {

// Of columns [begin, begin + count) of row t of the keys.
double Dot(const float* query, const NumberView& keys, int64_t t, int64_t begin, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) sum += double{query[i]} * double{keys.Get(t, begin + i)};
  return sum;
}

}  // namespace

void Run(const AttentionOp& op, const Operands& operands) {
  const MatrixView<float> q = operands.F32(op.query);
  const NumberView k = operands.Numbers(op.key), v = operands.Numbers(op.value);
  const int64_t keys = operands.Rows(op.key);
  const MatrixView<float> y = operands.F32(op.output);
  const int64_t width = q.columns / op.heads;
  const double scale = 1.0 / std::sqrt(static_cast<double>(width));
  std::vector<double> p(static_cast<size_t>(keys));
  for (int64_t r = 0; r < q.rows; ++r) {
    for (int64_t begin = 0; begin < q.columns; begin += width) {
      double largest = -HUGE_VAL;
      for (int64_t t = 0; t < keys; ++t) {
        p[static_cast<size_t>(t)] = scale * Dot(q.row(r) + begin, k, t, begin, width);
        largest = std::max(largest, p[static_cast<size_t>(t)]);
      }
      double total = 0.0;
      for (double& score : p) total += score = std::exp(score - largest);
      for (int64_t c = begin; c < begin + width; ++c) {
        double sum = 0.0;
        for (int64_t t = 0; t < keys; ++t) sum += p[static_cast<size_t>(t)] * double{v.Get(t, c)};
        // Without any key the softmax is over nothing and the result is zero.
        y.row(r)[c] = static_cast<float>(keys > 0 ? sum / total : 0.0);
      }
    }
  }
}

}  // namespace espalier::reference
