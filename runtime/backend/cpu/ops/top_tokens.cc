#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/top_tokens.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr int64_t kBlock = 32;  // tokens of one word of `allowed`
// Exponentials summed in f32 before they go into a double, as in log_softmax.cc.
constexpr int64_t kChunk = 32;  // blocks

// The best few of a group, best first, in the output's own memory.
struct Best {
  float* scores;
  int32_t* tokens;
  int64_t count;

  void Clear() const {
    std::fill_n(scores, count, kNever);
    std::fill_n(tokens, count, -1);
  }
  float Threshold() const { return scores[count - 1]; }
  void Offer(float score, int32_t token) const {
    if (!(score > Threshold())) return;
    int64_t at = count - 1;
    for (; at > 0 && score > scores[at - 1]; --at) {
      scores[at] = scores[at - 1];
      tokens[at] = tokens[at - 1];
    }
    scores[at] = score;
    tokens[at] = token;
  }
};

// One row: blocks of 32 tokens with the bits that say which of them count.
class Row {
 public:
  Row(const float* values, int64_t vocabulary, const int32_t* allowed)
      : values_(values), vocabulary_(vocabulary), allowed_(allowed) {}

  // The best allowed tokens of [begin, end), added to what `best` holds.
  void Scan(int64_t begin, int64_t end, const Best& best) const {
    ForBlocks(begin, end, [&](const float* x, uint32_t bits, int64_t first) HWY_ATTR {
      if (!AnyAbove(x, bits, best.Threshold())) return;
      for (; bits != 0; bits &= bits - 1) {
        const int lane = std::countr_zero(bits);
        best.Offer(x[lane], static_cast<int32_t>(first + lane));
      }
    });
  }

  // Σ exp(x - shift) over the allowed tokens of [begin, end).
  double ExpSum(int64_t begin, int64_t end, float shift) const {
    const Floats d;
    const V shifts = hn::Set(d, shift);
    double total = 0.0;
    V sum = hn::Zero(d);
    int64_t blocks = 0;
    ForBlocks(begin, end, [&](const float* x, uint32_t bits, int64_t) HWY_ATTR {
      for (int64_t v = 0; v < kBlock; v += kLanes) {
        const V exps = Exp(hn::Sub(hn::LoadU(d, x + v), shifts));
        sum = hn::Add(sum, hn::IfThenElseZero(MaskOf(bits, v), exps));
      }
      if (++blocks % kChunk == 0) {
        total += double{Sum(sum)};
        sum = hn::Zero(d);
      }
    });
    return total + double{Sum(sum)};
  }

 private:
  // block(values, bits, first token) for every 32 tokens of which some in [begin, end) are allowed.
  template <typename Block>
  void ForBlocks(int64_t begin, int64_t end, const Block& block) const {
    for (int64_t first = begin / kBlock * kBlock; first < end; first += kBlock) {
      auto bits = static_cast<uint32_t>(allowed_[first / kBlock]);
      if (first < begin) bits &= ~uint32_t{0} << (begin - first);
      if (first + kBlock > end) bits &= ~uint32_t{0} >> (first + kBlock - end);
      if (bits == 0) continue;
      if (first + kBlock <= vocabulary_) {
        block(values_ + first, bits, first);
      } else {
        float last[kBlock] = {};
        std::copy(values_ + first, values_ + vocabulary_, last);
        block(last, bits, first);
      }
    }
  }

  static hn::Mask<Floats> MaskOf(uint32_t bits, int64_t begin) {
    const uint64_t shifted = uint64_t{bits} >> begin;
    uint8_t bytes[sizeof(shifted)];  // lowest lane first, as on every target of this kernel
    std::memcpy(bytes, &shifted, sizeof(shifted));
    return hn::LoadMaskBits(Floats(), bytes);
  }

  static bool AnyAbove(const float* x, uint32_t bits, float threshold) {
    const Floats d;
    const V thresholds = hn::Set(d, threshold);
    for (int64_t v = 0; v < kBlock; v += kLanes) {
      const auto above = hn::Gt(hn::LoadU(d, x + v), thresholds);
      if (!hn::AllFalse(d, hn::And(above, MaskOf(bits, v)))) return true;
    }
    return false;
  }

  const float* values_;
  int64_t vocabulary_;
  const int32_t* allowed_;
};

class TopTokensKernel : public Kernel {
 public:
  explicit TopTokensKernel(const TopTokensOp& op) : op_(op) {}

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.log_probs), scores = operands.F32(op_.scores);
    const MatrixView<const int32_t> allowed = operands.I32(op_.allowed);
    const MatrixView<int32_t> tokens = operands.WritableI32(op_.tokens);
    const int64_t count = tokens.columns / 2;
    workspace.pool().ParallelFor(x.rows, [&](int64_t r, int) {
      const Row row(x.row(r), x.columns, allowed.row(r));
      const auto group = [&](int64_t index, const Range& a, const Range& b) {
        const Best best = {scores.row(r) + index * count, tokens.row(r) + index * count, count};
        scores.row(r)[2 * count + index] = RunGroup(row, best, a, b);
      };
      group(0, {0, op_.split_begin}, {op_.split_end, x.columns});
      group(1, {op_.split_begin, op_.split_end}, {});
      scores.row(r)[2 * count + 2] = x.row(r)[op_.watched];
    });
  }

 private:
  struct Range {
    int64_t begin = 0, end = 0;
  };

  // Returns log Σ exp.
  static float RunGroup(const Row& row, const Best& best, const Range& a, const Range& b) {
    best.Clear();
    row.Scan(a.begin, a.end, best);
    row.Scan(b.begin, b.end, best);
    const float shift = best.scores[0] > kNever ? best.scores[0] : 0.0f;
    const double total = row.ExpSum(a.begin, a.end, shift) + row.ExpSum(b.begin, b.end, shift);
    return static_cast<float>(double{shift} + std::log(total));
  }

  TopTokensOp op_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const TopTokensOp& op, const Preparation&) {
  return std::unique_ptr<Kernel>(std::make_unique<TopTokensKernel>(op));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
