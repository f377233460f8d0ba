// Recorded once: what a run may do beside submitting, and which barriers there are.
#include <gtest/gtest.h>

#include <array>

#include "runtime/backend/vulkan/executable.h"
#include "tests/backend/device/small_plan.h"
#include "tests/backend/vulkan/open_vulkan.h"

namespace espalier {
namespace {

using small_plan::Bound;

std::shared_ptr<const Plan> ThreeOps(bool with_cache) {
  return small_plan::ThreeOps(20, with_cache);
}

TEST(VulkanRecordingTest, NothingIsRecordedAndNoDescriptorWrittenAfterBinding) {
  VULKAN_OR_SKIP(backend);
  const Bound bound(*backend, ThreeOps(true));
  ASSERT_NE(bound.state, nullptr);
  const DeviceCounters before = backend->counters();
  EXPECT_GT(before.command_buffers, 0);
  EXPECT_GT(before.descriptor_writes, 0);
  // A prompt, then steps of shrinking beams: every class of row counts.
  for (const int32_t rows : {17, 5, 5, 4, 1, 1, 20, 0}) {
    ASSERT_TRUE(bound.state->Run(std::array{rows}, {}).ok());
  }
  const DeviceCounters after = backend->counters();
  EXPECT_EQ(after.command_buffers, before.command_buffers);
  EXPECT_EQ(after.descriptor_writes, before.descriptor_writes);
  EXPECT_EQ(after.submits, before.submits + 8);
  EXPECT_EQ(after.dispatches, before.dispatches + 8 * 5);
  EXPECT_EQ(after.memory_bytes, before.memory_bytes);
}

// Where memory is not the host's a copy would be a recording and a submit of its own.
TEST(VulkanRecordingTest, AStepsInputsAndResultsNeedNoCopies) {
  VULKAN_OR_SKIP(backend, {.separate_memory = true});
  const Bound bound(*backend, ThreeOps(true));
  ASSERT_NE(bound.state, nullptr);
  const DeviceCounters before = backend->counters();
  for (int step = 0; step < 5; ++step) {
    for (const auto& buffer : bound.buffers) {
      std::vector<std::byte> bytes(buffer->size_bytes());
      ASSERT_TRUE(buffer->Write(0, bytes).ok());
    }
    ASSERT_TRUE(bound.state->Run(std::array{1}, {}).ok());
    bound.Read(1);
  }
  const DeviceCounters after = backend->counters();
  EXPECT_EQ(after.submits, before.submits + 5);
  EXPECT_EQ(after.command_buffers, before.command_buffers);
}

TEST(VulkanRecordingTest, BarriersStandOnlyWhereBytesMeet) {
  VULKAN_OR_SKIP(backend);
  const auto executable = backend->Compile(ThreeOps(false));
  ASSERT_TRUE(executable.ok()) << executable.status().message();
  const auto& programs = static_cast<vulkan::VulkanExecutable&>(**executable).programs();
  ASSERT_EQ(programs.size(), 1u);
  const auto& dispatches = programs[0].dispatches;
  ASSERT_EQ(dispatches.size(), 3u);
  EXPECT_FALSE(dispatches[0].barrier_before);
  EXPECT_FALSE(dispatches[1].barrier_before) << "the two products do not touch each other";
  EXPECT_TRUE(dispatches[2].barrier_before) << "the norm reads the first product";
  EXPECT_EQ(programs[0].barrier_count, 1);
  EXPECT_EQ(programs[0].segment_count, 1);
}

TEST(VulkanRecordingTest, APlanWithACacheHasAProgramForEachClassOfRows) {
  VULKAN_OR_SKIP(backend);
  const auto executable = backend->Compile(ThreeOps(true));
  ASSERT_TRUE(executable.ok()) << executable.status().message();
  const auto& programs = static_cast<vulkan::VulkanExecutable&>(**executable).programs();
  ASSERT_EQ(programs.size(), 3u);
  EXPECT_EQ(programs[0].most_rows[0], 1);
  EXPECT_EQ(programs[1].most_rows[0], 8);
  EXPECT_EQ(programs[2].most_rows[0], 20);
}

TEST(VulkanRecordingTest, WeightsAreUploadedOncePerDevice) {
  VULKAN_OR_SKIP(backend);
  const auto plan = ThreeOps(false);
  const auto first = backend->Compile(plan);
  ASSERT_TRUE(first.ok());
  const DeviceCounters before = backend->counters();
  ASSERT_TRUE(backend->Compile(plan).ok());
  EXPECT_EQ(backend->counters().written_bytes, before.written_bytes);
  EXPECT_EQ(backend->counters().memory_bytes, before.memory_bytes);
}

TEST(VulkanRecordingTest, BuffersOfAnotherBackendOrTooSmallAreRefused) {
  VULKAN_OR_SKIP(backend);
  const auto executable = backend->Compile(ThreeOps(false));
  ASSERT_TRUE(executable.ok());
  const auto large = *backend->Allocate(640), small = *backend->Allocate(639);
  const std::array<Buffer*, 2> missing{large.get(), nullptr}, short_one{large.get(), small.get()};
  EXPECT_EQ((*executable)->Bind(missing).status().code(), StatusCode::kInternal);
  EXPECT_EQ((*executable)->Bind(short_one).status().code(), StatusCode::kInternal);
}

TEST(VulkanRecordingTest, StopsBeforeASegment) {
  VULKAN_OR_SKIP(backend);
  const Bound bound(*backend, ThreeOps(false));
  ASSERT_NE(bound.state, nullptr);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(bound.state->Run(std::array{3}, source.get_token()).code(), StatusCode::kCancelled);
  EXPECT_EQ(bound.state->Run(std::array{21}, {}).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace espalier
