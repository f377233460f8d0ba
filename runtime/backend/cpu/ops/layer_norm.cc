#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/layer_norm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

class LayerNormKernel : public Kernel {
 public:
  LayerNormKernel(const LayerNormOp& op, const Plan& plan)
      : op_(op), gamma_(WeightRow(plan, op.gamma)), beta_(WeightRow(plan, op.beta)) {}

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> x = operands.F32(op_.input), y = operands.F32(op_.output);
    constexpr int64_t kBlockFloats = 4096;  // below, waking a thread costs more than it saves
    ParallelRows(workspace.pool(), x.rows, x.columns, kBlockFloats,
                 [&](int64_t r) { RunRow(x.row(r), x.columns, y.row(r)); });
  }

 private:
  // Σ (x - centre)^kPower
  template <int kPower>
  static float CentredSum(const float* x, int64_t columns, float centre) {
    const Floats d;
    const V centres = hn::Set(d, centre);
    V sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    int64_t c = 0;
    for (; c + 4 * kLanes <= columns; c += 4 * kLanes) {
      HWY_UNROLL(4) for (int v = 0; v < 4; ++v) {
        const V value = hn::Sub(hn::LoadU(d, x + c + v * kLanes), centres);
        sums[v] = kPower == 1 ? hn::Add(sums[v], value) : hn::MulAdd(value, value, sums[v]);
      }
    }
    float sum = Sum(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
    for (; c < columns; ++c) {
      const float value = x[c] - centre;
      sum += kPower == 1 ? value : value * value;
    }
    return sum;
  }

  void RunRow(const float* x, int64_t columns, float* y) const {
    const Floats d;
    const auto count = static_cast<float>(columns);
    // The mean of what is left after a first mean: f32 sums of large values lose some of it.
    const float rough = CentredSum<1>(x, columns, 0.0f) / count;
    const float mean = rough + CentredSum<1>(x, columns, rough) / count;
    const float inverse = 1.0f / std::sqrt(CentredSum<2>(x, columns, mean) / count + op_.epsilon);
    const V means = hn::Set(d, mean), inverses = hn::Set(d, inverse);
    int64_t c = 0;
    for (; c + kLanes <= columns; c += kLanes) {
      const V normed = hn::Mul(hn::Sub(hn::LoadU(d, x + c), means), inverses);
      hn::StoreU(hn::MulAdd(normed, hn::LoadU(d, &gamma_[static_cast<size_t>(c)]),
                            hn::LoadU(d, &beta_[static_cast<size_t>(c)])),
                 d, y + c);
    }
    for (; c < columns; ++c) {
      const auto i = static_cast<size_t>(c);
      y[c] = (x[c] - mean) * inverse * gamma_[i] + beta_[i];
    }
  }

  LayerNormOp op_;
  std::vector<float> gamma_, beta_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const LayerNormOp& op, const Preparation& preparation) {
  return std::unique_ptr<Kernel>(std::make_unique<LayerNormKernel>(op, preparation.plan));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
