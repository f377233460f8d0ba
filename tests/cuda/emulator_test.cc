// The emulator itself: it must find what it is there to find.
#include "cuda/emu/emulator.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "cuda/emu/runtime.h"
#include "tests/cuda/order_kernels.h"

namespace espalier {
namespace {

using cuda::LaunchReverse;
using cuda::LaunchReverseWithoutBarrier;
using Values = std::array<float, 256>;

class EmulatorTest : public testing::Test {
 protected:
  EmulatorTest() { std::iota(from_.begin(), from_.end(), 1.0f); }
  ~EmulatorTest() override { emu::SetOrder(emu::Order::kForward); }

  Values Run(void (*launch)(const float*, float*, cudaStream_t), emu::Order order) {
    emu::SetOrder(order);
    Values to = {};
    launch(from_.data(), to.data(), nullptr);
    return to;
  }

  Values from_;
};

TEST_F(EmulatorTest, WithItsBarrierAKernelGivesTheSameInEveryOrder) {
  Values expected = from_;
  std::reverse(expected.begin(), expected.end());
  for (const auto order : {emu::Order::kForward, emu::Order::kReverse, emu::Order::kShuffled}) {
    EXPECT_EQ(Run(LaunchReverse, order), expected);
  }
}

TEST_F(EmulatorTest, AMissingBarrierShowsAsDependenceOnTheOrder) {
  const Values forward = Run(LaunchReverseWithoutBarrier, emu::Order::kForward);
  for (float& value : from_) value += 1000.0f;
  EXPECT_NE(Run(LaunchReverseWithoutBarrier, emu::Order::kReverse),
            Run(LaunchReverseWithoutBarrier, emu::Order::kForward));
  EXPECT_NE(Run(LaunchReverseWithoutBarrier, emu::Order::kShuffled), forward);
}

TEST_F(EmulatorTest, ShufflesAndBarriersSumABlock) {
  for (const auto order : {emu::Order::kForward, emu::Order::kReverse, emu::Order::kShuffled}) {
    EXPECT_EQ(Run(cuda::LaunchSum, order)[0], 256.0f * 257.0f / 2.0f);
  }
}

TEST_F(EmulatorTest, AWarpMultipliesAndTransposesMatrices) {
  for (const auto order : {emu::Order::kForward, emu::Order::kReverse, emu::Order::kShuffled}) {
    emu::SetOrder(order);
    std::array<float, 256> a;
    std::array<float, 128> b, d = {};
    for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * 7 % 31) - 15.0f;
    for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i * 5 % 23) - 11.0f;
    cuda::LaunchProduct(a.data(), b.data(), d.data(), nullptr);
    for (size_t m = 0; m < 16; ++m) {
      for (size_t n = 0; n < 8; ++n) {
        float sum = 1.0f;
        for (size_t k = 0; k < 16; ++k) sum += a[m * 16 + k] * b[n * 16 + k];
        EXPECT_EQ(d[m * 8 + n], sum) << m << ", " << n;
      }
    }
    std::array<float, 256> transposed = {};
    cuda::LaunchTranspose(a.data(), transposed.data(), nullptr);
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(transposed[i / 64 * 64 + i % 8 * 8 + i / 8 % 8], a[i]) << i;
    }
  }
}

using EmulatorDeathTest = EmulatorTest;

TEST_F(EmulatorDeathTest, ABarrierThatNotEveryThreadReachesNamesTheKernel) {
  EXPECT_DEATH(cuda::LaunchStuck(nullptr), "kernel Stuck, block \\(0, 0, 0\\): a barrier");
}

TEST_F(EmulatorDeathTest, AShuffleWithLanesThatHaveLeftNamesTheKernel) {
  emu::SetOrder(emu::Order::kReverse);
  Values to = {};
  EXPECT_DEATH(cuda::LaunchLeftLanes(to.data(), nullptr), "kernel LeftLanes.*a lane that has left");
}

TEST_F(EmulatorTest, ARefusedConfigurationIsTheLastError) {
  const auto nothing = [] {};
  ASSERT_EQ(cudaGetLastError(), cudaSuccess);
  emu::Launch("k", dim3(1), dim3(2048), 0, nullptr, nothing);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "reading it clears it";
  emu::Launch("k", dim3(0), dim3(32), 0, nullptr, nothing);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  emu::Launch("k", dim3(1, 70000), dim3(32), 0, nullptr, nothing);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  emu::Launch("k", dim3(1), dim3(32), 50 << 10, nullptr, nothing);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
}

TEST_F(EmulatorTest, ACapturedGraphRunsWhenItIsLaunchedAndNotBefore) {
  const int64_t before = emu::LiveObjects();
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  Values to = {};
  LaunchReverse(from_.data(), to.data(), stream);
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(to[0], 0.0f);
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  cudaGraphDestroy(graph);
  for (const float first : {1.0f, 7.0f}) {
    from_[0] = first;
    ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    EXPECT_EQ(to[255], first);
  }
  cudaGraphExecDestroy(executable);
  cudaStreamDestroy(stream);
  EXPECT_EQ(emu::LiveObjects(), before);
}

TEST_F(EmulatorTest, WaitingDuringACaptureSpoilsIt) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  EXPECT_NE(cudaStreamSynchronize(stream), cudaSuccess);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace espalier
