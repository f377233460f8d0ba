// Captured once: what a run may do beside launching; and products that write to the arena, which
// conformance, whose operands are all external, does not reach.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <thread>

#include "runtime/backend/cuda/library/executable.h"
#include "runtime/backend/reference/reference_backend.h"
#include "tests/backend/cuda/open_emulated.h"

namespace espalier {
namespace {

constexpr int32_t kMost = 80, kWidth = 8;

// Makes plans over matrices of (rows, 8).
class PlanMaker {
 public:
  PlanMaker() {
    plan_->name = "small";
    plan_->lengths.push_back({.name = "rows", .max = kMost});
    std::vector<float> values;
    for (int i = 0; i < kWidth * kWidth; ++i) {
      values.push_back(0.1f * static_cast<float>(i % 11) - 0.5f);
    }
    values_ = std::make_shared<const std::vector<float>>(std::move(values));
  }
  TensorRef Slot(bool external) {
    const auto index = static_cast<int32_t>(plan_->slots.size());
    plan_->slots.push_back({.name = "slot" + std::to_string(index),
                            .length = 0,
                            .columns = kWidth,
                            .external = external ? plan_->external_count++ : -1,
                            .offset_bytes = external ? 0 : plan_->arena_bytes});
    if (!external) plan_->arena_bytes += kMost * kWidth * 4;
    return {.slot = index, .column_count = kWidth};
  }
  WeightRef Weight(int64_t rows) {
    plan_->weights.push_back({.name = "w",
                              .rows = rows,
                              .columns = kWidth,
                              .row_stride = kWidth,
                              .data = values_->data(),
                              .owned = values_});
    return {static_cast<int32_t>(plan_->weights.size()) - 1};
  }
  void Add(Op op) { plan_->ops.push_back(std::move(op)); }
  void AddCache(const TensorRef& rows) {
    const auto ints = [&](int32_t fixed_rows, int32_t columns, int32_t length) {
      plan_->slots.push_back({.name = "ints",
                              .dtype = DType::kI32,
                              .length = length,
                              .fixed_rows = fixed_rows,
                              .columns = columns,
                              .external = plan_->external_count++});
      return TensorRef{.slot = static_cast<int32_t>(plan_->slots.size()) - 1,
                       .column_count = columns};
    };
    const auto cache = [&] {
      plan_->slots.push_back({.name = "cache",
                              .fixed_rows = 2 * kMost,
                              .columns = kWidth,
                              .external = plan_->external_count++});
      return TensorRef{.slot = static_cast<int32_t>(plan_->slots.size()) - 1,
                       .column_count = kWidth};
    };
    CachedAttentionOp op;
    op.query = op.key = op.value = rows;
    op.key_cache = cache();
    op.value_cache = cache();
    op.positions = ints(0, 1, 0);
    op.lanes = ints(0, 1, 0);
    op.history = ints(2, kMost, -1);
    op.lane_count = 2;
    op.position_count = kMost;
    op.output = Slot(true);
    Add(op);
  }
  std::shared_ptr<const Plan> Finish() {
    const Status valid = plan_->Validate();
    EXPECT_TRUE(valid.ok()) << valid.message();
    return plan_;
  }

 private:
  std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();
  std::shared_ptr<const std::vector<float>> values_;
};

std::shared_ptr<const Plan> ThreeOps(bool with_cache) {
  PlanMaker maker;
  const TensorRef x = maker.Slot(true), a = maker.Slot(false), b = maker.Slot(false);
  maker.Add(LinearOp{.input = x, .weight = maker.Weight(8), .output = a});
  maker.Add(LinearOp{.input = x, .weight = maker.Weight(8), .output = b});
  maker.Add(LayerNormOp{
      .input = a, .gamma = maker.Weight(1), .beta = maker.Weight(1), .output = maker.Slot(true)});
  if (with_cache) maker.AddCache(b);
  return maker.Finish();
}

// A plan bound to buffers; external 0 counts up, the rest is zero.
struct Bound {
  Bound(Backend& backend, const std::shared_ptr<const Plan>& plan) {
    std::vector<Buffer*> externals;
    buffers.resize(static_cast<size_t>(plan->external_count));
    for (const Slot& slot : plan->slots) {
      if (slot.external < 0) continue;
      auto& buffer = buffers[static_cast<size_t>(slot.external)];
      buffer = *backend.Allocate(static_cast<size_t>(plan->MaxBytes(slot)));
    }
    for (const auto& buffer : buffers) externals.push_back(buffer.get());
    std::vector<float> x(kMost * kWidth);
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    EXPECT_TRUE(buffers[0]->Write(0, std::as_bytes(std::span(x))).ok());
    auto executable = backend.Compile(plan);
    EXPECT_TRUE(executable.ok()) << executable.status().message();
    if (!executable.ok()) return;
    auto made = (*executable)->Bind(externals);
    EXPECT_TRUE(made.ok()) << made.status().message();
    if (made.ok()) state = std::move(made).value();
  }
  std::vector<float> Read(size_t external) const {
    std::vector<float> values(buffers[external]->size_bytes() / 4);
    EXPECT_TRUE(buffers[external]->Read(0, std::as_writable_bytes(std::span(values))).ok());
    return values;
  }
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::unique_ptr<ExecutionState> state;
};

TEST(CudaGraphsTest, NothingIsCapturedOrAllocatedAfterBinding) {
  const LeakCheck leaks;
  const auto backend = OpenEmulated();
  const Bound bound(*backend, ThreeOps(true));
  ASSERT_NE(bound.state, nullptr);
  const DeviceCounters before = backend->counters();
  EXPECT_EQ(before.command_buffers, 3) << "one row, few and many";
  const int64_t objects = emu::LiveObjects();
  // A prompt, then steps of shrinking beams: every class of row counts.
  for (const int32_t rows : {17, 5, 5, 4, 1, 1, 80, 0}) {
    ASSERT_TRUE(bound.state->Run(std::array{rows}, {}).ok());
  }
  const DeviceCounters after = backend->counters();
  EXPECT_EQ(after.command_buffers, before.command_buffers);
  EXPECT_EQ(after.submits, before.submits + 8);
  EXPECT_EQ(after.memory_bytes, before.memory_bytes);
  EXPECT_EQ(after.written_bytes, before.written_bytes);
  EXPECT_EQ(emu::LiveObjects(), objects);
}

TEST(CudaGraphsTest, AWindowHasAProgramForAQuarterAHalfAndAllOfIt) {
  const auto backend = OpenEmulated();
  const auto executable = backend->Compile(ThreeOps(false));
  ASSERT_TRUE(executable.ok()) << executable.status().message();
  const auto& programs = static_cast<cuda::CudaExecutable&>(**executable).programs();
  ASSERT_EQ(programs.size(), 3u);
  EXPECT_EQ(programs[0].most_rows[0], 20);
  EXPECT_EQ(programs[1].most_rows[0], 40);
  EXPECT_EQ(programs[2].most_rows[0], 80);
}

TEST(CudaGraphsTest, AShorterWindowAfterALongerOneLeavesItsRowsAlone) {
  const auto backend = OpenEmulated();
  const Bound bound(*backend, ThreeOps(false));
  ASSERT_NE(bound.state, nullptr);
  ASSERT_TRUE(bound.state->Run(std::array{80}, {}).ok());
  std::vector<float> before = bound.Read(1);
  EXPECT_NE(before.back(), 0.0f);
  for (const int32_t rows : {33, 20, 9, 3, 0}) {
    ASSERT_TRUE(bound.state->Run(std::array{rows}, {}).ok());
    // What lies behind the rows stays to the bit; the rows are another shape's sums.
    const std::vector<float> now = bound.Read(1);
    const auto end = static_cast<size_t>(rows * kWidth);
    for (size_t i = 0; i < end; ++i) ASSERT_NEAR(now[i], before[i], 1e-5f) << rows;
    EXPECT_EQ(std::vector(now.begin() + static_cast<std::ptrdiff_t>(end), now.end()),
              std::vector(before.begin() + static_cast<std::ptrdiff_t>(end), before.end()));
    before = now;
  }
}

TEST(CudaGraphsTest, WeightsAreUploadedOncePerDevice) {
  const auto backend = OpenEmulated();
  const auto plan = ThreeOps(false);
  const auto first = backend->Compile(plan);
  ASSERT_TRUE(first.ok());
  const DeviceCounters before = backend->counters();
  ASSERT_TRUE(backend->Compile(plan).ok());
  EXPECT_EQ(backend->counters().written_bytes, before.written_bytes);
  EXPECT_EQ(backend->counters().memory_bytes, before.memory_bytes);
}

TEST(CudaGraphsTest, BuffersOfAnotherBackendOrTooSmallAreRefused) {
  const auto backend = OpenEmulated();
  const auto reference = MakeReferenceBackend();
  const auto executable = backend->Compile(ThreeOps(false));
  ASSERT_TRUE(executable.ok());
  const auto large = *backend->Allocate(80 * 8 * 4), small = *backend->Allocate(80 * 8 * 4 - 1);
  const auto other = *reference->Allocate(80 * 8 * 4);
  for (Buffer* const second : {static_cast<Buffer*>(nullptr), small.get(), other.get()}) {
    const std::array<Buffer*, 2> externals{large.get(), second};
    EXPECT_EQ((*executable)->Bind(externals).status().code(), StatusCode::kInternal);
  }
}

TEST(CudaGraphsTest, StopsBeforeASegmentAndRefusesTooManyRows) {
  const auto backend = OpenEmulated();
  const Bound bound(*backend, ThreeOps(false));
  ASSERT_NE(bound.state, nullptr);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(bound.state->Run(std::array{3}, source.get_token()).code(), StatusCode::kCancelled);
  EXPECT_EQ(bound.state->Run(std::array{81}, {}).code(), StatusCode::kInvalidArgument);
}

// Each activation, with and without residual and scale, where cuBLASLt may write the result itself.
TEST(CudaGraphsTest, ProductsIntoTheArenaAreTheReferences) {
  const auto backend = OpenEmulated();
  const auto reference = MakeReferenceBackend();
  for (const Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kSwish, Activation::kGelu}) {
    for (const float scale : {1.0f, 0.5f}) {
      for (const bool residual : {false, true}) {
        PlanMaker maker;
        const TensorRef x = maker.Slot(true), a = maker.Slot(false), b = maker.Slot(false);
        const WeightRef w = maker.Weight(8), bias = maker.Weight(1);
        maker.Add(ColumnAffineOp{.input = x, .shift = bias, .output = a});
        maker.Add(LinearOp{.input = a,
                           .weight = w,
                           .bias = bias,
                           .output = b,
                           .activation = activation,
                           .scale = scale,
                           .residual = residual ? x : TensorRef{}});
        maker.Add(ColumnAffineOp{.input = b, .scale = bias, .output = maker.Slot(true)});
        const auto plan = maker.Finish();
        const Bound ours(*backend, plan), expected(*reference, plan);
        for (const int32_t rows : {70, 21, 9, 4}) {
          ASSERT_TRUE(ours.state->Run(std::array{rows}, {}).ok());
          ASSERT_TRUE(expected.state->Run(std::array{rows}, {}).ok());
          const auto a_values = ours.Read(1), b_values = expected.Read(1);
          for (size_t i = 0; i < a_values.size(); ++i) {
            ASSERT_NEAR(a_values[i], b_values[i], 2e-5f)
                << static_cast<int>(activation) << " " << scale << " " << residual << " " << rows;
          }
        }
      }
    }
  }
}

TEST(CudaGraphsTest, TwoSessionsOfOneExecutableRunAtOnce) {
  const LeakCheck leaks;
  const auto backend = OpenEmulated();
  const auto plan = ThreeOps(false);
  const Bound a(*backend, plan), b(*backend, plan);
  ASSERT_NE(a.state, nullptr);
  ASSERT_NE(b.state, nullptr);
  const auto run = [](const Bound& bound) {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(bound.state->Run(std::array{50}, {}).ok());
  };
  std::thread other(run, std::cref(b));
  run(a);
  other.join();
  EXPECT_EQ(a.Read(1), b.Read(1));
}

}  // namespace
}  // namespace espalier
