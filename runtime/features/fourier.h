// Tables of a complex Fourier transform of any size, as passes of small radices.
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

namespace espalier {

// X[k] = Σ_j x[j]·e^(-2πi·jk/size), by Stockham's self-sorting passes (decimation in frequency): a
// pass of radix r splits sub-transforms of r·groups points, of which `stride` lie interleaved, and
// writes to a second buffer; the next one has groups points and r·stride of them. Source: Van Loan,
// Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7. Immutable.
struct FourierPlan {
  struct Pass {
    int radix;  // 4, 2, or an odd prime
    int groups;
    int stride;
    // e^(-2πi·gj / (radix·groups)) at g·(radix - 1) + j - 1, j from 1 on.
    std::vector<std::complex<double>> twiddles;
    // e^(2πi·jk / radix) at (j - 1)·half + k - 1, j and k from 1 to half = (radix - 1) / 2; odd
    // radices.
    std::vector<std::complex<double>> roots;
  };

  explicit FourierPlan(int point_count);  // at least 1

  int size;
  std::vector<Pass> passes;
};

}  // namespace espalier
