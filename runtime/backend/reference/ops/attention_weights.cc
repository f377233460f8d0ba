#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

void Run(const AttentionWeightsOp& op, const Operands& operands) {
  const MatrixView<float> q = operands.F32(op.query);
  const NumberView k = operands.Numbers(op.key);
  const int64_t keys = operands.Rows(op.key);
  const MatrixView<float> weights = operands.F32(op.weights);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.columns));
  std::vector<double> p(static_cast<size_t>(keys));
  for (int64_t r = 0; r < q.rows; ++r) {
    double largest = -HUGE_VAL;
    for (int64_t t = 0; t < keys; ++t) {
      double dot = 0.0;
      for (int64_t c = 0; c < q.columns; ++c) dot += double{q.row(r)[c]} * double{k.Get(t, c)};
      p[static_cast<size_t>(t)] = scale * dot;
      largest = std::max(largest, scale * dot);
    }
    double total = 0.0;
    for (double& score : p) total += score = std::exp(score - largest);
    for (int64_t t = 0; t < keys; ++t) {
      const double weight = double{op.scale} * p[static_cast<size_t>(t)] / total;
      float& out = weights.row(r)[t];
      out = static_cast<float>(op.accumulate ? double{out} + weight : weight);
    }
  }
}

}  // namespace espalier::reference
