#include "runtime/features/fourier.h"

#include <numbers>

namespace espalier {
namespace {

int NextRadix(int points) {
  if (points % 4 == 0) return 4;
  if (points % 2 == 0) return 2;
  for (int factor = 3; factor * factor <= points; factor += 2) {
    if (points % factor == 0) return factor;
  }
  return points;
}

// e^(2πi · turns / of)
std::complex<double> Root(int turns, int of) {
  return std::polar(1.0, 2.0 * std::numbers::pi * turns / of);
}

}  // namespace

FourierPlan::FourierPlan(int point_count) : size(point_count) {
  int stride = 1;
  for (int points = point_count; points > 1;) {
    Pass pass{
        .radix = NextRadix(points), .groups = 0, .stride = stride, .twiddles = {}, .roots = {}};
    pass.groups = points / pass.radix;
    for (int g = 0; g < pass.groups; ++g) {
      for (int j = 1; j < pass.radix; ++j) pass.twiddles.push_back(Root(-g * j, points));
    }
    const int half = pass.radix % 2 == 0 ? 0 : (pass.radix - 1) / 2;
    for (int j = 1; j <= half; ++j) {
      for (int k = 1; k <= half; ++k) pass.roots.push_back(Root(j * k % pass.radix, pass.radix));
    }
    stride *= pass.radix;
    points = pass.groups;
    passes.push_back(std::move(pass));
  }
}

}  // namespace espalier
