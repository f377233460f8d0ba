#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/backend/reference/kernels.h"

namespace espalier::reference {
namespace {

constexpr double kZero = kCtcLogZero;

double LogAdd(double a, double b) {
  const double high = std::max(a, b);
  return high + std::log1p(std::exp(std::min(a, b) - high));
}

// Forward log-sums that end in a label and in a blank, by step.
struct Paths {
  std::vector<double> label, blank;
};

class Rows {
 public:
  Rows(const CtcPrefixScoreOp& op, const Operands& operands)
      : op_(op),
        log_probs_(operands.F32(op.log_probs)),
        tokens_(operands.I32(op.tokens)),
        hypotheses_(operands.I32(op.hypotheses)),
        state_(operands.F32(op.state)),
        scores_(operands.F32(op.scores)) {}

  void RunAll() const {
    for (int64_t r = 0; r < tokens_.rows; ++r) Run(r);
  }

 private:
  int64_t steps() const { return log_probs_.rows; }
  double LogProb(int64_t t, int32_t token) const {
    return token < 0 ? kZero : std::max(kZero, double{log_probs_.row(t)[token]});
  }

  Paths ParentOf(int32_t column) const {
    Paths paths;
    double blanks = 0.0;
    for (int64_t t = 0; t < steps(); ++t) {
      blanks += LogProb(t, op_.blank);
      paths.label.push_back(column < 0 ? kZero : double{state_.row(t)[column]});
      paths.blank.push_back(column < 0 ? blanks : double{state_.row(state_.rows / 2 + t)[column]});
    }
    return paths;
  }

  void Run(int64_t r) const {
    const int32_t* const hypothesis = hypotheses_.row(r);
    const int64_t length = hypothesis[kCtcLength];
    float* const scores = scores_.row(r);
    if (length < 1 || steps() < 1) {
      std::fill_n(scores, scores_.columns, kCtcLogZero);
      return;
    }
    const Paths parent = ParentOf(hypothesis[kCtcParent]);
    const double eos = LogAdd(parent.label.back(), parent.blank.back());
    for (int64_t j = 0; j < tokens_.columns; ++j) {
      const int32_t token = tokens_.row(r)[j];
      double psi =
          Extend(parent, token, hypothesis[kCtcLastToken], length - 1, hypothesis[kCtcFirst] + j);
      if (token == op_.blank) psi = kZero;
      if (token == op_.eos) psi = eos;
      scores[j] = static_cast<float>(psi);
    }
    scores[tokens_.columns] = static_cast<float>(eos);
  }

  // Writes the state of prefix + token to `column`; its ψ.
  double Extend(const Paths& parent, int32_t token, int32_t last_token, int64_t k,
                int64_t column) const {
    const int64_t first = std::max<int64_t>(k, 1);
    double n = kZero, b = kZero, psi = kZero;
    for (int64_t t = 0; t < steps(); ++t) {
      if (t < first) {
        n = psi = t == 0 && k == 0 ? LogProb(0, token) : kZero;
      } else {
        const auto before = static_cast<size_t>(t - 1);
        const double phi = token == last_token ? parent.blank[before]
                                               : LogAdd(parent.label[before], parent.blank[before]);
        const double p = LogProb(t, token), b_next = LogAdd(n, b) + LogProb(t, op_.blank);
        n = LogAdd(n, phi) + p;
        b = b_next;
        psi = LogAdd(psi, phi + p);
      }
      state_.row(t)[column] = static_cast<float>(n);
      state_.row(state_.rows / 2 + t)[column] = static_cast<float>(b);
    }
    return psi;
  }

  const CtcPrefixScoreOp& op_;
  MatrixView<float> log_probs_;
  MatrixView<const int32_t> tokens_, hypotheses_;
  MatrixView<float> state_, scores_;
};

}  // namespace

void Run(const CtcPrefixScoreOp& op, const Operands& operands) { Rows(op, operands).RunAll(); }

}  // namespace espalier::reference
