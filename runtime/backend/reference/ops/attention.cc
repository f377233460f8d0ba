#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {
namespace {

double Dot(const float* a, const float* b, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

}  // namespace

void Run(const AttentionOp& op, const Operands& operands) {
  const MatrixView<float> q = operands.F32(op.query);
  const MatrixView<float> k = operands.F32(op.key);
  const MatrixView<float> v = operands.F32(op.value);
  const MatrixView<float> y = operands.F32(op.output);
  const int64_t width = q.columns / op.heads;
  const double scale = 1.0 / std::sqrt(static_cast<double>(width));
  std::vector<double> p(static_cast<size_t>(k.rows));
  for (int64_t r = 0; r < q.rows; ++r) {
    for (int64_t begin = 0; begin < q.columns; begin += width) {
      double largest = -HUGE_VAL;
      for (int64_t t = 0; t < k.rows; ++t) {
        p[static_cast<size_t>(t)] = scale * Dot(q.row(r) + begin, k.row(t) + begin, width);
        largest = std::max(largest, p[static_cast<size_t>(t)]);
      }
      double total = 0.0;
      for (double& score : p) total += score = std::exp(score - largest);
      for (int64_t c = begin; c < begin + width; ++c) {
        double sum = 0.0;
        for (int64_t t = 0; t < k.rows; ++t) sum += p[static_cast<size_t>(t)] * double{v.row(t)[c]};
        // Without any key the softmax is over nothing and the result is zero.
        y.row(r)[c] = static_cast<float>(k.rows > 0 ? sum / total : 0.0);
      }
    }
  }
}

}  // namespace espalier::reference
