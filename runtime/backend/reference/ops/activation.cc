#include <cmath>
#include <numbers>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {

double Activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0.0 ? 0.0 : x;  // keeps NaN
    case Activation::kSwish:
      return x / (1.0 + std::exp(-x));
    case Activation::kGelu:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
  }
  return x;
}

}  // namespace espalier::reference
