#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/ctc_prefix_score.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

// log(e^a + e^b) of finite values: log(1 + e) = 2·artanh(s), s = e/(2 + e) <= 1/3, of which seven
// terms reach f32.
HWY_INLINE V LogAdd(V a, V b) {
  const Floats d;
  const V high = hn::Max(a, b);
  const V e = Exp(hn::Sub(hn::Min(a, b), high));
  const V s = hn::Div(e, hn::Add(hn::Set(d, 2.0f), e));
  const V q = hn::Mul(s, s);
  V p = hn::Set(d, 1.0f / 13.0f);
  p = hn::MulAdd(p, q, hn::Set(d, 1.0f / 11.0f));
  p = hn::MulAdd(p, q, hn::Set(d, 1.0f / 9.0f));
  p = hn::MulAdd(p, q, hn::Set(d, 1.0f / 7.0f));
  p = hn::MulAdd(p, q, hn::Set(d, 1.0f / 5.0f));
  p = hn::MulAdd(p, q, hn::Set(d, 1.0f / 3.0f));
  p = hn::MulAdd(p, q, hn::Set(d, 1.0f));
  return hn::MulAdd(hn::Add(s, s), p, high);
}

// The operands of a run.
struct Matrices {
  const CtcPrefixScoreOp& op;
  MatrixView<float> log_probs;
  MatrixView<const int32_t> tokens, hypotheses;
  MatrixView<float> state, scores;

  int64_t steps() const { return log_probs.rows; }
  float LogProb(int64_t t, int32_t token) const {
    return std::max(kCtcLogZero, log_probs.row(t)[token]);
  }
};

// One hypothesis: what all its candidates share, then a vector of candidates at a time.
class Hypothesis {
 public:
  // The most floats of scratch.
  static int64_t ScratchSize(int64_t steps) {
    return (3 + kLanes) * RoundUp(steps, kLanes) + kLanes;
  }

  Hypothesis(const Matrices& run, int64_t row, float* scratch)
      : run_(run),
        columns_(run.hypotheses.row(row)),
        k_(columns_[kCtcLength] - 1),
        tokens_(run.tokens.row(row)),
        scores_(run.scores.row(row)),
        padded_(RoundUp(run.steps(), kLanes)),
        blank_p_(scratch),
        blank_(blank_p_ + padded_),
        total_(blank_ + padded_),
        p_(total_ + padded_) {}

  void Score() const {
    const int64_t count = run_.tokens.columns;
    if (k_ < 0 || run_.steps() < 1) {
      std::fill_n(scores_, count + 1, kCtcLogZero);
      return;
    }
    ReadParent();
    scores_[count] = total_[run_.steps() - 1];
    for (int64_t j = 0; j < count; j += kLanes) ScoreVector(j, std::min(kLanes, count - j));
  }

 private:
  // r^b and r^n ⊕ r^b by step, and the blank's log-probabilities.
  void ReadParent() const {
    const int32_t parent = columns_[kCtcParent];
    const int64_t steps = run_.steps(), blank_rows = run_.state.rows / 2;
    float sum = 0.0f;
    for (int64_t t = 0; t < steps; ++t) {
      blank_p_[t] = run_.LogProb(t, run_.op.blank);
      sum += blank_p_[t];
      total_[t] = parent < 0 ? kCtcLogZero : run_.state.row(t)[parent];
      blank_[t] = parent < 0 ? sum : run_.state.row(blank_rows + t)[parent];
    }
    const Floats d;
    std::fill(total_ + steps, total_ + padded_, kCtcLogZero);
    std::fill(blank_ + steps, blank_ + padded_, kCtcLogZero);
    for (int64_t t = 0; t < padded_; t += kLanes) {
      hn::StoreU(LogAdd(hn::LoadU(d, total_ + t), hn::LoadU(d, blank_ + t)), d, total_ + t);
    }
  }

  // All loads of the candidates' log-probabilities at once, since each of them misses the caches
  // and nothing here waits for another.
  void ReadLogProbs(int64_t first, int64_t used) const {
    std::fill_n(p_, run_.steps() * kLanes, kCtcLogZero);
    for (int64_t t = 0; t < run_.steps(); ++t) {
      for (int64_t lane = 0; lane < used; ++lane) {
        const int32_t token = tokens_[first + lane];
        if (token >= 0) p_[t * kLanes + lane] = run_.LogProb(t, token);
      }
    }
  }

  // Neighbouring columns belong to other workers: only `used` lanes are written.
  static void StoreLanes(V values, int64_t used, float* to) {
    float lanes[kLanes];
    hn::StoreU(values, Floats(), lanes);
    std::copy_n(lanes, used, to);
  }

  void ScoreVector(int64_t first, int64_t used) const {
    const Floats d;
    const hn::RebindToSigned<Floats> di;
    ReadLogProbs(first, used);
    int32_t ids[kLanes];
    std::fill_n(ids, kLanes, -1);
    std::copy_n(tokens_ + first, used, ids);
    const auto is_last = hn::Eq(hn::LoadU(di, ids), hn::Set(di, columns_[kCtcLastToken]));
    const auto repeats = hn::RebindMask(d, is_last);
    const int64_t column = columns_[kCtcFirst] + first, blank_rows = run_.state.rows / 2;
    const int64_t begin = std::max<int64_t>(k_, 1);
    V n = hn::Set(d, kCtcLogZero), b = n, psi = n;
    for (int64_t t = 0; t < run_.steps(); ++t) {
      const V p = hn::LoadU(d, p_ + t * kLanes);
      if (t < begin) {
        if (t == 0 && k_ == 0) n = psi = p;
      } else {
        const V phi = hn::IfThenElse(repeats, hn::Set(d, blank_[t - 1]), hn::Set(d, total_[t - 1]));
        const V blank_next = hn::Add(LogAdd(n, b), hn::Set(d, blank_p_[t]));
        n = hn::Add(LogAdd(n, phi), p);
        b = blank_next;
        psi = LogAdd(psi, hn::Add(phi, p));
      }
      StoreLanes(n, used, run_.state.row(t) + column);
      StoreLanes(b, used, run_.state.row(blank_rows + t) + column);
    }
    StoreLanes(psi, used, scores_ + first);
    for (int64_t j = first; j < first + used; ++j) {
      if (tokens_[j] == run_.op.blank) scores_[j] = kCtcLogZero;
      if (tokens_[j] == run_.op.eos) scores_[j] = total_[run_.steps() - 1];
    }
  }

  const Matrices& run_;
  const int32_t* columns_;
  int64_t k_;
  const int32_t* tokens_;
  float* scores_;
  int64_t padded_;
  float *blank_p_, *blank_, *total_;  // (steps)
  float* p_;                          // (steps, kLanes)
};

class CtcPrefixScoreKernel : public Kernel {
 public:
  CtcPrefixScoreKernel(const CtcPrefixScoreOp& op, const Preparation& preparation)
      : op_(op),
        most_steps_(preparation.plan.MaxRows(
            preparation.plan.slots[static_cast<size_t>(op.log_probs.slot)])) {}

  ScratchSize Scratch() const override {
    return {.per_worker = Hypothesis::ScratchSize(most_steps_)};
  }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const Matrices run = {op_,
                          operands.F32(op_.log_probs),
                          operands.I32(op_.tokens),
                          operands.I32(op_.hypotheses),
                          operands.F32(op_.state),
                          operands.F32(op_.scores)};
    workspace.pool().ParallelFor(run.tokens.rows, [&](int64_t row, int worker) {
      Hypothesis(run, row, workspace.worker(worker)).Score();
    });
  }

 private:
  CtcPrefixScoreOp op_;
  int64_t most_steps_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const CtcPrefixScoreOp& op,
                                           const Preparation& preparation) {
  return std::unique_ptr<Kernel>(std::make_unique<CtcPrefixScoreKernel>(op, preparation));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
