#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/log_softmax.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

// Sums of this many exponentials are f32, their sum is double: 50002 in one f32 would lose digits.
constexpr int64_t kChunk = 1024;

class LogSoftmaxKernel : public Kernel {
 public:
  explicit LogSoftmaxKernel(const LogSoftmaxOp& op) : op_(op) {}

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input), y = operands.F32(op_.output);
    workspace.pool().ParallelFor(x.rows,
                                 [&](int64_t r, int) { RunRow(x.row(r), x.columns, y.row(r)); });
  }

 private:
  static float Largest(const float* x, int64_t columns) {
    const Floats d;
    V largest[4] = {hn::Set(d, x[0]), hn::Set(d, x[0]), hn::Set(d, x[0]), hn::Set(d, x[0])};
    int64_t c = 0;
    for (; c + 4 * kLanes <= columns; c += 4 * kLanes) {
      HWY_UNROLL(4) for (int v = 0; v < 4; ++v) {
        largest[v] = hn::Max(hn::LoadU(d, x + c + v * kLanes), largest[v]);
      }
    }
    const V one = hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]));
    float result = hn::GetLane(hn::MaxOfLanes(d, one));
    for (; c < columns; ++c) result = std::max(result, x[c]);
    return result;
  }

  static float ExpSum(const float* x, int64_t columns, float shift) {
    const Floats d;
    const V shifts = hn::Set(d, shift);
    V sum0 = hn::Zero(d), sum1 = hn::Zero(d);
    int64_t c = 0;
    for (; c + 2 * kLanes <= columns; c += 2 * kLanes) {
      sum0 = hn::Add(sum0, Exp(hn::Sub(hn::LoadU(d, x + c), shifts)));
      sum1 = hn::Add(sum1, Exp(hn::Sub(hn::LoadU(d, x + c + kLanes), shifts)));
    }
    float sum = Sum(hn::Add(sum0, sum1));
    for (; c < columns; ++c) sum += hn::GetLane(Exp(hn::Set(d, x[c] - shift)));
    return sum;
  }

  static void RunRow(const float* x, int64_t columns, float* y) {
    const Floats d;
    const float largest = Largest(x, columns);
    double total = 0.0;
    for (int64_t c = 0; c < columns; c += kChunk) {
      total += double{ExpSum(x + c, std::min(kChunk, columns - c), largest)};
    }
    // In two steps: their sum, rounded, would cost a digit of every result.
    const auto log_total = static_cast<float>(std::log(total));
    const V largests = hn::Set(d, largest), logs = hn::Set(d, log_total);
    int64_t c = 0;
    for (; c + kLanes <= columns; c += kLanes) {
      hn::StoreU(hn::Sub(hn::Sub(hn::LoadU(d, x + c), largests), logs), d, y + c);
    }
    for (; c < columns; ++c) y[c] = (x[c] - largest) - log_total;
  }

  LogSoftmaxOp op_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const LogSoftmaxOp& op, const Preparation&) {
  return std::unique_ptr<Kernel>(std::make_unique<LogSoftmaxKernel>(op));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
