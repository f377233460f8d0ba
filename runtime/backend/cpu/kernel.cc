#include "runtime/backend/cpu/kernel.h"

namespace espalier::cpu {

std::vector<float> WeightRow(const Plan& plan, const WeightRef& ref, int64_t padded) {
  if (!ref.present()) return {};
  const Weight& weight = plan.weights[static_cast<size_t>(ref.index)];
  std::vector<float> row(static_cast<size_t>(std::max(weight.columns, padded)), 0.0f);
  for (int64_t c = 0; c < weight.columns; ++c) {
    row[static_cast<size_t>(c)] = WeightElement(weight, 0, c);
  }
  return row;
}

}  // namespace espalier::cpu
