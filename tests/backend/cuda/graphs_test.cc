// Captured once: what a run may do beside launching; and products that write to the arena, which
// conformance, whose operands are all external, does not reach.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "runtime/backend/cuda/library/executable.h"
#include "runtime/backend/reference/reference_backend.h"
#include "tests/backend/cuda/open_emulated.h"
#include "tests/backend/device/small_plan.h"

namespace espalier {
namespace {

using small_plan::Bound, small_plan::PlanMaker, small_plan::kWidth;

constexpr int32_t kMost = 80;

std::shared_ptr<const Plan> ThreeOps(bool with_cache) {
  return small_plan::ThreeOps(kMost, with_cache);
}

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
        PlanMaker maker(kMost);
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
