#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/depthwise_conv.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

constexpr int kTimes = 8;  // output steps whose sums are in registers at once
constexpr int64_t kBlockSteps = 64;

class DepthwiseConvKernel : public Kernel {
 public:
  DepthwiseConvKernel(const DepthwiseConvOp& op, const Plan& plan)
      : op_(op),
        taps_(plan.weights[static_cast<size_t>(op.weight.index)].columns),
        padded_channels_(RoundUp(op.input.column_count, kLanes)),
        bias_(WeightRow(plan, op.bias, padded_channels_)),
        weight_(static_cast<size_t>(taps_ * padded_channels_), 0.0f) {
    const Weight& weight = plan.weights[static_cast<size_t>(op.weight.index)];
    for (int64_t c = 0; c < weight.rows; ++c) {
      for (int64_t j = 0; j < taps_; ++j) {
        weight_[static_cast<size_t>(j * padded_channels_ + c)] = WeightElement(weight, c, j);
      }
    }
  }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const Views views{
        operands.F32(op_.input), operands.F32(op_.output),
        op_.multiplier.present() ? operands.F32(op_.multiplier) : MatrixView<float>{}};
    const int64_t blocks = (views.x.rows + kBlockSteps - 1) / kBlockSteps;
    workspace.pool().ParallelFor(blocks, [&](int64_t block, int) {
      RunSteps(views, block * kBlockSteps, std::min(views.x.rows, (block + 1) * kBlockSteps));
    });
  }

 private:
  struct Views {
    MatrixView<float> x, y, multiplier;
  };

  // Channels outside: the weights of one vector of channels (taps_ · kLanes floats) stay in L1.
  void RunSteps(const Views& views, int64_t begin, int64_t end) const {
    int64_t c = 0;
    for (; c + kLanes <= views.x.columns; c += kLanes) {
      int64_t t = begin;
      for (; t + kTimes <= end; t += kTimes) RunTimes<kTimes>(views, t, c);
      for (; t < end; ++t) RunTimes<1>(views, t, c);
    }
    for (; c < views.x.columns; ++c) {
      for (int64_t t = begin; t < end; ++t) RunOne(views, t, c);
    }
  }

  // kCount output steps from t of the channels [c, c + kLanes): every input row is loaded once.
  template <int kCount>
  void RunTimes(const Views& views, int64_t t, int64_t c) const {
    const Floats d;
    const int64_t padding = (taps_ - 1) / 2;
    const float* weight = weight_.data() + c;
    V sums[kCount];
    HWY_UNROLL(8)
    for (int i = 0; i < kCount; ++i) sums[i] = hn::LoadU(d, &bias_[static_cast<size_t>(c)]);
    const int64_t first = std::max<int64_t>(0, t - padding);
    const int64_t last = std::min(views.x.rows - 1, t + kCount - 1 + padding);
    for (int64_t s = first; s <= last; ++s) {
      const V x = hn::LoadU(d, views.x.row(s) + c);
      const int64_t j = s - t + padding;  // tap of the first output step; one less for each next
      if (j >= kCount - 1 && j < taps_) {
        HWY_UNROLL(8) for (int i = 0; i < kCount; ++i) {
          sums[i] = hn::MulAdd(x, hn::LoadU(d, weight + (j - i) * padded_channels_), sums[i]);
        }
      } else {
        HWY_UNROLL(8) for (int i = 0; i < kCount; ++i) {
          if (j - i < 0 || j - i >= taps_) continue;
          sums[i] = hn::MulAdd(x, hn::LoadU(d, weight + (j - i) * padded_channels_), sums[i]);
        }
      }
    }
    HWY_UNROLL(8) for (int i = 0; i < kCount; ++i) {
      V y = sums[i];
      if (op_.multiplier.present()) y = hn::Mul(y, hn::LoadU(d, views.multiplier.row(t + i) + c));
      if (op_.add_input) y = hn::Add(y, hn::LoadU(d, views.x.row(t + i) + c));
      hn::StoreU(y, d, views.y.row(t + i) + c);
    }
  }

  // A channel beyond the last whole vector.
  void RunOne(const Views& views, int64_t t, int64_t c) const {
    const int64_t padding = (taps_ - 1) / 2;
    float sum = bias_[static_cast<size_t>(c)];
    for (int64_t j = 0; j < taps_; ++j) {
      const int64_t s = t + j - padding;
      if (s < 0 || s >= views.x.rows) continue;
      sum += weight_[static_cast<size_t>(j * padded_channels_ + c)] * views.x.row(s)[c];
    }
    if (op_.multiplier.present()) sum *= views.multiplier.row(t)[c];
    if (op_.add_input) sum += views.x.row(t)[c];
    views.y.row(t)[c] = sum;
  }

  DepthwiseConvOp op_;
  int64_t taps_;
  int64_t padded_channels_;
  std::vector<float> bias_;
  std::vector<float> weight_;  // (taps, padded channels)
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const DepthwiseConvOp& op,
                                           const Preparation& preparation) {
  return std::unique_ptr<Kernel>(std::make_unique<DepthwiseConvKernel>(op, preparation.plan));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
